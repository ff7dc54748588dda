package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// values is a host.KV in memory.
type values struct {
	mu   sync.Mutex
	kept map[string]string
	err  error
}

func (v *values) Get(_ context.Context, key string) ([]byte, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	value, ok := v.kept[key]
	return []byte(value), ok, v.err
}

func (v *values) Set(_ context.Context, key string, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.err == nil {
		v.kept[key] = string(value)
	}
	return v.err
}

func (v *values) Delete(_ context.Context, key string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.kept, key)
	return v.err
}

// state is a host.SessionState that remembers what was merged last.
type state struct {
	json   string
	merged string
	err    error
}

func (s *state) Get(context.Context) (json.RawMessage, error) { return json.RawMessage(s.json), s.err }

func (s *state) Merge(_ context.Context, patch json.RawMessage) error {
	s.merged = string(patch)
	return s.err
}

// ask has a guest ask for a service and returns the reply it got.
func ask(t *testing.T, services host.Services, function string, args ...string) string {
	t.Helper()
	m := loadHook(t, guesttest.Asks(function, args...))
	return string(succeed(t, m, runtime.Call{Services: services}).Output)
}

func TestGuestKeepsValues(t *testing.T) {
	t.Parallel()
	kv := &values{kept: map[string]string{}}
	services := host.Services{KV: kv}
	large := strings.Repeat("\x00v\xff", 50_000)
	for _, step := range []struct {
		function string
		args     []string
		want     string
	}{
		{"kv_get", []string{"key"}, ""},
		{"kv_set", []string{"key", large}, ""},
		{"kv_get", []string{"key"}, "=" + large},
		{"kv_set", []string{"key", ""}, ""},
		{"kv_get", []string{"key"}, "="},
		{"kv_delete", []string{"key"}, ""},
		{"kv_delete", []string{"key"}, ""},
		{"kv_get", []string{"key"}, ""},
	} {
		if got := ask(t, services, step.function, step.args...); got != step.want {
			t.Errorf("%s(%.20q) answered %.50q, want %.50q", step.function, step.args, got, step.want)
		}
	}
}

func TestGuestIsToldWhatIsWrong(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk /var/lib is full")
	full := host.Services{KV: &values{err: &host.Error{Code: host.CodeTooLarge, Message: "the plugin may keep 3 bytes", Err: broken}}}
	failing := host.Services{KV: &values{err: broken}, SessionState: &state{err: broken}}
	reading := host.Services{SessionState: &state{err: host.ErrNotGranted}}
	fine := host.Services{KV: &values{kept: map[string]string{}}, SessionState: &state{json: `{}`}}
	for _, tc := range []struct {
		name     string
		services host.Services
		function string
		args     []string
		want     string
	}{
		{"get not granted", host.Services{}, "kv_get", []string{"k"}, "!not_granted: kv: the permission is not granted"},
		{"set not granted", host.Services{}, "kv_set", []string{"k", "v"}, "!not_granted: kv: the permission is not granted"},
		{"delete not granted", host.Services{}, "kv_delete", []string{"k"}, "!not_granted: kv: the permission is not granted"},
		{"state not granted", host.Services{}, "session_state_get", nil, "!not_granted: session_state: the permission is not granted"},
		{"merge not granted", host.Services{}, "session_state_merge", []string{"{}"}, "!not_granted: session_state: the permission is not granted"},
		{"merge only reads", reading, "session_state_merge", []string{"{}"}, "!not_granted: the permission is not granted"},
		{"no key", fine, "kv_get", []string{""}, "!invalid: a key must have 1 to 256 bytes, not 0"},
		{"long key", fine, "kv_set", []string{strings.Repeat("k", 257), ""}, "!invalid: a key must have 1 to 256 bytes, not 257"},
		{"longest key", fine, "kv_set", []string{strings.Repeat("é", 128), ""}, ""},
		{"key that is no text", fine, "kv_delete", []string{"\xff"}, "!invalid: a key must be UTF-8 text"},
		{"quota", full, "kv_set", []string{"k", "value"}, "!too_large: the plugin may keep 3 bytes"},
		{"fault of the host", failing, "kv_get", []string{"k"}, "!internal: the host could not do it"},
		{"fault in the state", failing, "session_state_get", nil, "!internal: the host could not do it"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := ask(t, tc.services, tc.function, tc.args...); got != tc.want {
				t.Errorf("the guest was told %q, want %q", got, tc.want)
			}
		})
	}
}

func TestGuestReachesSessionState(t *testing.T) {
	t.Parallel()
	s := &state{json: `{"language":"de"}`}
	if got := ask(t, host.Services{SessionState: s}, "session_state_get"); got != `={"language":"de"}` {
		t.Errorf("the guest read %q", got)
	}
	if got := ask(t, host.Services{SessionState: s}, "session_state_merge", `{"n":1}`); got != "" || s.merged != `{"n":1}` {
		t.Errorf("the guest was told %q and merged %q", got, s.merged)
	}
}

// A handle that is no block must neither end the process nor read what it
// should not.
func TestServicesCheckHandles(t *testing.T) {
	t.Parallel()
	for name, handle := range map[string]string{
		"small": "1", "inside": "(i64.add (call $alloc (i64.const 32)) (i64.const 8))",
		"far": "4294967373", "negative": "-1", "freed": "(call $freed)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.HasPrefix(handle, "(") {
				handle = "(i64.const " + handle + ")"
			}
			module := guesttest.WAT(t, `(module
			  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
			  (import "extism:host/env" "free" (func $free (param i64)))
			  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
			  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
			  (import "extism:host/user" "kv_get" (func $kv_get (param i64) (result i64)))
			  (func $freed (result i64) (local $h i64)
			    (local.set $h (call $alloc (i64.const 8)))
			    (call $free (local.get $h))
			    (local.get $h))
			  (func (export "hook") (result i32) (local $h i64)
			    (local.set $h (call $kv_get `+handle+`))
			    (call $output_set (local.get $h) (call $length (local.get $h)))
			    (i32.const 0)))`)
			m := load(t, runtime.Source{Wasm: module, Exports: []string{"hook"}})
			services := host.Services{KV: &values{kept: map[string]string{}}}
			got := string(succeed(t, m, runtime.Call{Services: services}).Output)
			if !strings.HasPrefix(got, "!invalid: an argument is no block") {
				t.Errorf("the guest was told %q", got)
			}
		})
	}
}

// A value that does not fit the guest's memory must not look like none.
func TestServicesNeedRoom(t *testing.T) {
	t.Parallel()
	kv := &values{kept: map[string]string{"k": strings.Repeat("v", 20<<20)}}
	m := loadHook(t, guesttest.Asks("kv_get", "k"))
	_, err := m.Call(t.Context(), runtime.Call{Export: "hook", Timeout: plenty, Services: host.Services{KV: kv}})
	if failure := wantCode(t, err, host.CallTrap); !strings.Contains(failure.Message, "no room") {
		t.Errorf("message %q does not say why", failure.Message)
	}
}
