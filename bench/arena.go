package main

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// arena is the least an Extism guest needs of its host: bytes it can address,
// an input, an output and its config. Blocks are never reused.
type arena struct {
	input  []byte
	config map[string]string
	output []byte
	bytes  []byte
	length map[uint64]uint64
}

type arenaKey struct{}

func arenaOf(ctx context.Context) *arena { return ctx.Value(arenaKey{}).(*arena) }

// alloc returns a new block; 0 is no block, so the first lies at 8.
func (a *arena) alloc(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	if a.bytes == nil {
		a.bytes, a.length = make([]byte, 8, 16<<10), map[uint64]uint64{}
	}
	at := uint64(len(a.bytes))
	a.bytes = append(a.bytes, make([]byte, (n+15)&^7)...)
	a.length[at] = n
	return at
}

func (a *arena) put(text string) uint64 {
	at := a.alloc(uint64(len(text)))
	copy(a.bytes[at:], text)
	return at
}

func (a *arena) text(at uint64) string { return string(a.bytes[at : at+a.length[at]]) }

// instantiateArena defines extism:host/env.
func instantiateArena(ctx context.Context, rt wazero.Runtime) error {
	const i32, i64 = api.ValueTypeI32, api.ValueTypeI64
	b := rt.NewHostModuleBuilder("extism:host/env")
	define := func(name string, params, results []api.ValueType, f func(a *arena, stack []uint64)) {
		b.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
			f(arenaOf(ctx), stack)
		}), params, results).Export(name)
	}
	one, none := []api.ValueType{i64}, []api.ValueType{}
	define("alloc", one, one, func(a *arena, s []uint64) { s[0] = a.alloc(s[0]) })
	define("free", one, none, func(*arena, []uint64) {})
	define("length", one, one, func(a *arena, s []uint64) { s[0] = a.length[s[0]] })
	define("length_unsafe", one, one, func(a *arena, s []uint64) { s[0] = a.length[s[0]] })
	define("load_u8", one, []api.ValueType{i32}, func(a *arena, s []uint64) { s[0] = uint64(a.bytes[s[0]]) })
	define("load_u64", one, one, func(a *arena, s []uint64) { s[0] = binary.LittleEndian.Uint64(a.bytes[s[0]:]) })
	define("store_u8", []api.ValueType{i64, i32}, none, func(a *arena, s []uint64) { a.bytes[s[0]] = byte(s[1]) })
	define("store_u64", []api.ValueType{i64, i64}, none, func(a *arena, s []uint64) { binary.LittleEndian.PutUint64(a.bytes[s[0]:], s[1]) })
	define("input_length", none, one, func(a *arena, s []uint64) { s[0] = uint64(len(a.input)) })
	define("input_offset", none, one, func(a *arena, s []uint64) { s[0] = a.put(string(a.input)) })
	define("input_load_u8", one, []api.ValueType{i32}, func(a *arena, s []uint64) { s[0] = uint64(a.input[s[0]]) })
	define("input_load_u64", one, one, func(a *arena, s []uint64) { s[0] = binary.LittleEndian.Uint64(a.input[s[0]:]) })
	define("output_set", []api.ValueType{i64, i64}, none, func(a *arena, s []uint64) { a.output = a.bytes[s[0] : s[0]+s[1]] })
	define("error_set", one, none, func(*arena, []uint64) {})
	define("config_get", one, one, func(a *arena, s []uint64) { s[0] = a.put(a.config[a.text(s[0])]) })
	define("var_get", one, one, func(_ *arena, s []uint64) { s[0] = 0 })
	define("var_set", []api.ValueType{i64, i64}, none, func(*arena, []uint64) {})
	define("http_request", []api.ValueType{i64, i64}, one, func(_ *arena, s []uint64) { s[0] = 0 })
	define("http_status_code", none, []api.ValueType{i32}, func(_ *arena, s []uint64) { s[0] = 0 })
	define("http_headers", none, one, func(_ *arena, s []uint64) { s[0] = 0 })
	define("get_log_level", none, []api.ValueType{i32}, func(_ *arena, s []uint64) { s[0] = 2 })
	for _, level := range []string{"trace", "debug", "info", "warn", "error"} {
		define("log_"+level, one, none, func(*arena, []uint64) {})
	}
	_, err := b.Instantiate(ctx)
	return err
}
