package runtime_test

import (
	"encoding/json"
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
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

//go:wasmimport extism:host/env alloc
func alloc(n uint64) uint64

//go:wasmimport extism:host/env store_u8
func storeU8(at uint64, b uint32)

//go:wasmimport extism:host/env output_set
func outputSet(at, n uint64)

func answer(v any) int32 {
	data, err := json.Marshal(v)
	if err != nil {
		return 1
	}
	block := alloc(uint64(len(data)))
	for i, b := range data {
		storeU8(block+uint64(i), uint32(b))
	}
	outputSet(block, uint64(len(data)))
	return 0
}

//go:wasmexport world
func world() int32 {
	_, err := os.ReadFile("/etc/hostname")
	return answer(map[string]any{
		"now": time.Now(), "random": rand.Uint64(), "args": len(os.Args), "env": len(os.Environ()), "file": fmt.Sprint(err),
	})
}

//go:wasmexport nap
func nap() int32 {
	start := time.Now()
	time.Sleep(20 * time.Millisecond)
	return answer(time.Since(start))
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
	type world struct {
		Now    time.Time
		Random uint64
		Args   int
		Env    int
		File   string
	}
	var seen [2]world
	before := time.Now()
	for i := range seen {
		if err := json.Unmarshal(succeed(t, m, runtime.Call{Export: "world"}).Output, &seen[i]); err != nil {
			t.Fatal(err)
		}
	}
	after := time.Now()
	for _, w := range seen {
		// The guest's clock may be read in microseconds.
		if w.Now.Before(before.Add(-time.Millisecond)) || w.Now.After(after.Add(time.Millisecond)) {
			t.Errorf("the guest's time is %s, want one between %s and %s", w.Now, before, after)
		}
		if w.Args != 0 || w.Env != 0 || w.File == "<nil>" {
			t.Errorf("the guest sees %d arguments, %d variables and, of a file, %s", w.Args, w.Env, w.File)
		}
	}
	if seen[0].Random == seen[1].Random {
		t.Error("two instances drew the same random number")
	}
}

func testGoSleep(t *testing.T, m *runtime.Module) {
	t.Parallel()
	var slept time.Duration
	if err := json.Unmarshal(succeed(t, m, runtime.Call{Export: "nap"}).Output, &slept); err != nil {
		t.Fatal(err)
	}
	if slept < 20*time.Millisecond {
		t.Errorf("a sleep of 20ms took %s", slept)
	}
	_, err := m.Call(t.Context(), runtime.Call{Export: "oversleep", Timeout: time.Second})
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
