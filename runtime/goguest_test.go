package runtime_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// goGuest shows what a real language runtime sees of the world.
const goGuest = `package main

import (
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
)

//go:wasmimport extism:host/env alloc
func alloc(n uint64) uint64

//go:wasmimport extism:host/env store_u8
func storeU8(at uint64, b uint32)

//go:wasmimport extism:host/env output_set
func outputSet(at, n uint64)

// answer makes the words the output.
func answer(words ...string) int32 {
	text := strings.Join(words, " ")
	block := alloc(uint64(len(text)))
	for i := range len(text) {
		storeU8(block+uint64(i), uint32(text[i]))
	}
	outputSet(block, uint64(len(text)))
	return 0
}

//go:wasmexport world
func world() int32 {
	_, err := os.ReadFile("/etc/hostname")
	return answer(strconv.FormatInt(time.Now().UnixMicro(), 10), strconv.FormatUint(rand.Uint64(), 10),
		strconv.Itoa(len(os.Args)), strconv.Itoa(len(os.Environ())), strconv.FormatBool(err != nil))
}

//go:wasmexport nap
func nap() int32 {
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	return answer(time.Since(start).String())
}

//go:wasmexport oversleep
func oversleep() int32 {
	time.Sleep(time.Hour)
	return 0
}

//go:wasmexport failing
func failing() int32 { panic("the guest is lost") }

func main() {}
`

func TestGoGuest(t *testing.T) {
	t.Parallel()
	module := guesttest.Go(t, map[string]string{"main.go": goGuest})
	m := load(t, runtime.Source{Wasm: module, Exports: []string{"world", "nap", "oversleep", "failing"}})
	t.Run("sees a real world", func(t *testing.T) { testGoWorld(t, m) })
	t.Run("sleeps", func(t *testing.T) { testGoSleep(t, m) })
	t.Run("panics", func(t *testing.T) { testGoPanic(t, m) })
}

func testGoWorld(t *testing.T, m *runtime.Module) {
	t.Parallel()
	before := time.Now().UnixMicro()
	first, second := worldOf(t, m), worldOf(t, m)
	after := time.Now().UnixMicro()
	if first.now < before || second.now > after {
		t.Errorf("the guest's times are %d and %d, want them between %d and %d", first.now, second.now, before, after)
	}
	if first.random == second.random {
		t.Error("two instances drew the same random number")
	}
	if first.args != 0 || first.env != 0 || !first.noFile {
		t.Errorf("the guest has %d arguments, %d variables, no file = %v", first.args, first.env, first.noFile)
	}
}

// world is what the Go guest sees.
type world struct {
	now       int64
	random    uint64
	args, env int
	noFile    bool
}

func worldOf(t *testing.T, m *runtime.Module) (w world) {
	t.Helper()
	output := string(succeed(t, m, runtime.Call{Export: "world"}).Output)
	if _, err := fmt.Sscan(output, &w.now, &w.random, &w.args, &w.env, &w.noFile); err != nil {
		t.Fatalf("read %q: %v", output, err)
	}
	return w
}

func testGoSleep(t *testing.T, m *runtime.Module) {
	t.Parallel()
	slept, err := time.ParseDuration(string(succeed(t, m, runtime.Call{Export: "nap"}).Output))
	if err != nil {
		t.Fatal(err)
	}
	if slept < 20*time.Millisecond {
		t.Errorf("a sleep of 20ms took %s", slept)
	}
	_, err = m.Call(t.Context(), runtime.Call{Export: "oversleep", Timeout: time.Second})
	wantCode(t, err, host.CallTimeout)
}

func testGoPanic(t *testing.T, m *runtime.Module) {
	t.Parallel()
	result, err := m.Call(t.Context(), runtime.Call{Export: "failing", Timeout: plenty})
	wantCode(t, err, host.CallTrap)
	if log := strings.Join(messages(result.Logs), "\n"); !strings.Contains(log, "panic: the guest is lost") {
		t.Errorf("log %q does not hold the panic", log)
	}
}
