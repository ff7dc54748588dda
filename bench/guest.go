package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	goruntime "runtime"
	"strings"
	"sync"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

// guest is a hook to call, in the language it is written in.
type guest struct {
	language string
	module   string // path from the repository's root
	abi      pluginapi.ABI
	export   string
	point    pluginapi.Point
	config   map[string]string
}

// guests are hooks of this repository, one for each language.
func guests() []guest {
	return []guest{
		{"C, wasi-command", "plugins/length-limit/plugin.wasm", pluginapi.ABIWASICommand, pluginapi.ExportStart,
			pluginapi.PointInput, map[string]string{"max_length": "100000"}},
		{"AssemblyScript", "examples/other-languages/assemblyscript/plugin.wasm", pluginapi.ABIExtism, "check",
			pluginapi.PointInput, map[string]string{"words": `["aurora"]`}},
		{"Rust", "examples/other-languages/rust/plugin.wasm", pluginapi.ABIExtism, "append",
			pluginapi.PointOutput, map[string]string{"text": "Checked."}},
		{"Go", "bin/plugins/request-log/plugin.wasm", pluginapi.ABIExtism, "log_request",
			pluginapi.PointInput, nil},
	}
}

// document is the guest's context as JSON.
func (g guest) document() ([]byte, error) {
	c, err := g.context()
	if err != nil {
		return nil, err
	}
	return json.Marshal(c)
}

// context is one of about 1 KB for the guest.
func (g guest) context() (*pluginapi.Context, error) {
	config := map[string]json.RawMessage{}
	for key, value := range g.config {
		if !json.Valid([]byte(value)) {
			value = `"` + value + `"`
		}
		config[key] = json.RawMessage(value)
	}
	raw, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(strings.Repeat("All work and no play. ", 14))
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	c := &pluginapi.Context{
		Spec: pluginapi.Spec, Point: g.point, Timestamp: now, Sequence: 1,
		Agent:   pluginapi.Agent{ID: "bench", Framework: pluginapi.Framework},
		Session: pluginapi.Session{ID: "7b0b4a9e-7f3b-4f0c-9f7e-2a8f3c1d5e60", StartedAt: &now},
		Extensions: pluginapi.Extensions{Snaphook: &pluginapi.Extension{
			Run:       pluginapi.Run{ID: "7b0b4a9e-7f3b-4f0c-9f7e-2a8f3c1d5e60", Kind: "agent", Status: "RUNNING", StartedAt: now},
			SessionID: "1c5be1f4-30c4-4a6e-8a55-6a8b2c9b7d11", Config: raw, Mode: pluginapi.ModeBlocking,
		}},
	}
	if g.point == pluginapi.PointInput {
		c.Input = &pluginapi.Input{Content: text, Role: "user"}
		c.Target, err = json.Marshal(c.Input)
	} else {
		c.Output = &pluginapi.Output{Content: text}
		c.Target, err = json.Marshal(c.Output)
	}
	return c, err
}

// call makes one call; the returned output is checked once.
type call func(ctx context.Context, input []byte) ([]byte, error)

// timed calls again and again for d and returns the time of one call.
func timed(ctx context.Context, d time.Duration, input []byte, c call) (time.Duration, error) {
	output, err := c(ctx, input) // warm, and seen to work
	if err != nil {
		return 0, err
	}
	if !bytes.Contains(output, []byte(`"decision"`)) {
		return 0, fmt.Errorf("the guest answered %q", output)
	}
	begin, calls := time.Now(), 0
	for time.Since(begin) < d {
		if _, err := c(ctx, input); err != nil {
			return 0, err
		}
		calls++
	}
	return time.Since(begin) / time.Duration(calls), nil
}

// timedOnAllCores is timed with one caller for each core; the time is the whole
// machine's for one call.
func timedOnAllCores(ctx context.Context, d time.Duration, input []byte, c call) (time.Duration, error) {
	callers := goruntime.GOMAXPROCS(0)
	each := make([]time.Duration, callers)
	errs := make([]error, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() { each[i], errs[i] = timed(ctx, d, input, c) })
	}
	wait.Wait()
	var perSecond float64
	for _, one := range each {
		perSecond += 1 / max(one.Seconds(), 1e-9)
	}
	return time.Duration(1e9 / perSecond), errors.Join(errs...)
}

// ours calls through the host's own runtime.
func ours(ctx context.Context, g guest, wasm []byte, cache string) (call, func(), error) {
	rt, err := runtime.New(runtime.Config{CacheDir: cache})
	if err != nil {
		return nil, nil, err
	}
	module, err := rt.Load(ctx, runtime.Source{Name: g.language, Wasm: wasm, ABI: g.abi, Exports: []string{g.export}, Memory: 64 << 20})
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, input []byte) ([]byte, error) {
		result, err := module.Call(ctx, runtime.Call{
			Export: g.export, Input: input, Config: g.config, Timeout: 5 * time.Second, Mode: pluginapi.ModeBlocking,
		})
		return result.Output, err
	}, func() { _ = rt.Close(ctx) }, nil
}

// peer calls through extism/go-sdk with a fresh instance and a deadline, which
// is what isolation costs there.
func peer(ctx context.Context, g guest, wasm []byte) (call, func(), error) {
	compiled, err := extism.NewCompiledPlugin(ctx, extism.Manifest{
		Wasm: []extism.Wasm{extism.WasmData{Data: wasm}}, Config: g.config, Timeout: 5000,
	}, extism.PluginConfig{EnableWasi: true}, nil)
	if err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, input []byte) ([]byte, error) {
		plugin, err := compiled.Instance(ctx, extism.PluginInstanceConfig{
			ModuleConfig: wazero.NewModuleConfig().WithSysWalltime().WithRandSource(rand.Reader),
		})
		if err != nil {
			return nil, err
		}
		defer func() { _ = plugin.Close(ctx) }()
		_, output, err := plugin.CallWithContext(ctx, g.export, input)
		return output, err
	}, func() { _ = compiled.Close(ctx) }, nil
}

// limit calls with wazero alone: a fresh instance, no deadline, no caps, and for
// Extism guests the barest functions they import.
func limit(ctx context.Context, g guest, wasm []byte) (call, func(), error) {
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		return nil, nil, err
	}
	compiled, err := rt.CompileModule(ctx, wasm)
	if err != nil {
		return nil, nil, err
	}
	done := func() { _ = rt.Close(ctx) }
	config := wazero.NewModuleConfig().WithName("").WithSysWalltime().WithRandSource(rand.Reader)
	if g.abi == pluginapi.ABIWASICommand {
		return func(ctx context.Context, input []byte) ([]byte, error) {
			var out bytes.Buffer
			m, err := rt.InstantiateModule(ctx, compiled, config.WithStdin(bytes.NewReader(input)).WithStdout(&out))
			if err == nil {
				err = m.Close(ctx)
			} else if out.Len() > 0 {
				err = nil // proc_exit(0) after the answer
			}
			return out.Bytes(), err
		}, done, nil
	}
	if err := instantiateArena(ctx, rt); err != nil {
		return nil, nil, err
	}
	return func(ctx context.Context, input []byte) ([]byte, error) {
		a := &arena{input: input, config: g.config}
		ctx = context.WithValue(ctx, arenaKey{}, a)
		m, err := rt.InstantiateModule(ctx, compiled, config.WithStartFunctions("_initialize"))
		if err != nil {
			return nil, err
		}
		defer func() { _ = m.Close(ctx) }()
		if _, err := m.ExportedFunction(g.export).Call(ctx); err != nil {
			return nil, err
		}
		return a.output, nil
	}, done, nil
}

// guestRow is one line of the table of guests.
type guestRow struct {
	language          string
	limit, ours, peer time.Duration // peer is 0 where it cannot run the guest
}

func measureGuests(ctx context.Context, dir string, d time.Duration) ([]guestRow, error) {
	var rows []guestRow
	for _, g := range guests() {
		row, err := measureGuest(ctx, g, filepath.Join(dir, "modules"), d)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", g.language, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func measureGuest(ctx context.Context, g guest, cache string, d time.Duration) (guestRow, error) {
	row := guestRow{language: g.language}
	wasm, err := os.ReadFile(g.module)
	if err != nil {
		return row, err
	}
	input, err := g.document()
	if err != nil {
		return row, err
	}
	run := func(into *time.Duration, c call, done func(), err error) error {
		if err != nil {
			return err
		}
		defer done()
		*into, err = timed(ctx, d, input, c)
		return err
	}
	c, done, err := limit(ctx, g, wasm)
	if err := run(&row.limit, c, done, err); err != nil {
		return row, fmt.Errorf("raw wazero: %w", err)
	}
	c, done, err = ours(ctx, g, wasm, cache)
	if err := run(&row.ours, c, done, err); err != nil {
		return row, fmt.Errorf("runtime: %w", err)
	}
	if g.abi == pluginapi.ABIWASICommand {
		return row, nil // go-sdk has no such ABI
	}
	c, done, err = peer(ctx, g, wasm)
	if err := run(&row.peer, c, done, err); err != nil {
		return row, fmt.Errorf("go-sdk: %w", err)
	}
	return row, nil
}

// guests prints what a call costs by guest, beside the limit and the peer.
func (m *measurement) guests(ctx context.Context) error {
	rows, err := measureGuests(ctx, m.dir, m.span)
	if err != nil {
		return err
	}
	fmt.Printf("\n%-18s %14s %14s %10s %14s %10s\n", "one hook call, 1 KB", "raw wazero", "runtime", "of raw", "go-sdk fresh", "of go-sdk")
	for _, r := range rows {
		fmt.Printf("%-18s %14v %14v %9.2fx", r.language, r.limit, r.ours, float64(r.ours)/float64(r.limit))
		if r.peer > 0 {
			fmt.Printf(" %14v %9.2fx", r.peer, float64(r.ours)/float64(r.peer))
		}
		fmt.Println()
	}
	return nil
}
