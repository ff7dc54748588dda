package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

func TestCall(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	module := guesttest.Module(t, map[string]guesttest.Hook{
		"run": guesttest.AnswersConfig("list"), "trap": guesttest.Traps(), "log": guesttest.Logs("warn", "careful"),
	})
	p := activate(t, r, manifestOf("a", "1.0.0", ""), module)
	got, err := r.Call(t.Context(), host.Call{
		Digest: p.Digest, Export: "run", Config: json.RawMessage(`{"list":[1, 2]}`), Timeout: time.Minute,
	})
	if err != nil || string(got.Output) != "[1, 2]" || got.Duration <= 0 {
		t.Errorf("call: %q in %s, %v", got.Output, got.Duration, err)
	}
	got, err = r.Call(t.Context(), host.Call{Digest: p.Digest, Export: "log", Timeout: time.Minute})
	if err != nil || len(got.Logs) != 1 || got.Logs[0].Message != "careful" {
		t.Errorf("call that logs: %+v, %v", got.Logs, err)
	}
	_, err = r.Call(t.Context(), host.Call{Digest: p.Digest, Export: "trap", Timeout: time.Minute})
	wantCallError(t, err, host.CallTrap)
	_, err = r.Call(t.Context(), host.Call{Digest: p.Digest, Export: "none", Timeout: time.Minute})
	wantCallError(t, err, host.CallMissingExport)
	_, err = r.Call(t.Context(), host.Call{Digest: "sha256:0", Export: "run"})
	wantCallError(t, err, host.CallUnavailable)
	_, err = r.Call(t.Context(), host.Call{Digest: p.Digest, Export: "run", Config: json.RawMessage(`[]`)})
	wantCallError(t, err, host.CallUnavailable)
}

func TestCallOfACommand(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	module := guesttest.GoCommand(t, map[string]string{
		"main.go": "package main\n\nimport (\"io\"; \"os\")\n\nfunc main() { io.Copy(os.Stdout, os.Stdin) }\n",
	})
	p := activate(t, r, []byte("manifest_version: 1\nname: a\nversion: 1.0.0\nabi: wasi-command\nhooks: [{point: input}]\n"), module)
	h := p.Manifest.Hooks[0]
	got, err := r.Call(t.Context(), host.Call{Digest: p.Digest, Export: h.Export, Input: []byte("hello"), Timeout: time.Minute})
	if err != nil || string(got.Output) != "hello" || h.Name != "input" {
		t.Errorf("call %s: %q, %v", h.Name, got.Output, err)
	}
}

// A queued call runs on the version it was made for, loaded for as long as it
// takes.
func TestCallOfAnInactiveVersion(t *testing.T) {
	t.Parallel()
	g := &guests{call: answersName}
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g})
	old := activate(t, r, manifestOf("a", "1.0.0", ""), fakeModule)
	activate(t, r, manifestOf("a", "2.0.0", ""), fakeModule)
	if loads, open, _ := g.counts(); loads != 2 || open != 1 {
		t.Fatalf("%d modules loaded, %d open; want 2 and 1", loads, open)
	}
	got, err := r.Call(t.Context(), host.Call{Digest: old.Digest, Export: "run"})
	if err != nil || string(got.Output) != "a 1.0.0" {
		t.Errorf("call: %s, %v", got.Output, err)
	}
	if loads, open, misuse := g.counts(); loads != 3 || open != 1 || misuse != 0 {
		t.Errorf("%d modules loaded, %d open, %d misused; want 3, 1, 0", loads, open, misuse)
	}
}

// What a call may touch is decided by the grants of now, and by its own
// configuration.
func TestCallGrants(t *testing.T) {
	t.Parallel()
	var last runtime.Call
	g := &guests{call: func(_ context.Context, _ runtime.Source, call runtime.Call) (runtime.Result, error) {
		last = call
		return runtime.Result{}, nil
	}}
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: g})
	p := install(t, r, manifestOf("a", "1.0.0", httpPermission), fakeModule)
	call := host.Call{
		Digest: p.Digest, Export: "run", Input: []byte("in"), Timeout: time.Second, Mode: pluginapi.ModeBackground,
		Config: json.RawMessage(`{"url":"http://localhost:8080/x","n":1.50,"s":"text","o":{"a":null}}`),
	}
	want := runtime.Call{
		Export: "run", Input: []byte("in"), Timeout: time.Second, Mode: pluginapi.ModeBackground,
		Config: map[string]string{"url": "http://localhost:8080/x", "n": "1.50", "s": "text", "o": `{"a":null}`},
	}
	check := func(when string) {
		t.Helper()
		if _, err := r.Call(t.Context(), call); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, last); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	check("before it is granted")
	if _, err := r.Activate(t.Context(), "a", "1.0.0", []pluginapi.Permission{pluginapi.PermissionHTTP}, false); err != nil {
		t.Fatal(err)
	}
	want.HTTP = &runtime.HTTPGrant{Hosts: []string{"hooks.example.com", "http://localhost:8080/x"}}
	check("granted")
	call.Config, want.Config = json.RawMessage(`{"url":"*.example.org"}`), map[string]string{"url": "*.example.org"}
	want.HTTP.Hosts = []string{"hooks.example.com"}
	check("a pattern in the configuration")
	call.Config, want.Config = nil, map[string]string{}
	check("no configuration")
}

// waiting returns a registry whose calls run until release is closed.
func waiting(t *testing.T, c plugin.Config) (r *plugin.Registry, digest string, release chan struct{}) {
	t.Helper()
	release = make(chan struct{})
	c.Store = &memory{}
	c.Loader = &guests{call: func(context.Context, runtime.Source, runtime.Call) (runtime.Result, error) {
		<-release
		return runtime.Result{}, nil
	}}
	r = newRegistry(t, c)
	return r, activate(t, r, manifestOf("a", "1.0.0", ""), fakeModule).Digest, release
}

func TestCallWaitsForASlot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, digest, release := waiting(t, plugin.Config{BlockingSlots: 1, BackgroundSlots: 1, SlotWait: time.Minute})
		errs := make(chan error, 3)
		call := func(mode pluginapi.Mode) {
			_, err := r.Call(t.Context(), host.Call{Digest: digest, Mode: mode})
			errs <- err
		}
		go call(pluginapi.ModeBlocking)
		synctest.Wait()
		go call(pluginapi.ModeBackground) // has slots of its own
		synctest.Wait()
		started := time.Now()
		go call(pluginapi.ModeBlocking)
		err := <-errs
		wantCallError(t, err, host.CallUnavailable)
		if waited := time.Since(started); waited != time.Minute {
			t.Errorf("waited %s for a slot", waited)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = r.Call(cancelled, host.Call{Digest: digest})
		wantCallError(t, err, host.CallCancelled)
		expired, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = r.Call(expired, host.Call{Digest: digest})
		wantCallError(t, err, host.CallTimeout)
		close(release)
		for range 2 {
			if err := <-errs; err != nil {
				t.Errorf("call with a slot: %v", err)
			}
		}
	})
}

// Tools that take long keep no hook waiting, and wait for one another for as long as
// their callers do.
func TestToolsHaveSlotsOfTheirOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, digest, release := waiting(t, plugin.Config{BlockingSlots: 1, ToolSlots: 2, SlotWait: time.Second})
		errs := make(chan error, 4)
		for range 3 { // one too many
			go func() {
				_, err := r.Call(t.Context(), host.Call{Digest: digest, Tool: true})
				errs <- err
			}()
		}
		synctest.Wait()
		impatient, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := r.Call(impatient, host.Call{Digest: digest, Tool: true})
		wantCallError(t, err, host.CallTimeout)
		go func() {
			_, err := r.Call(t.Context(), host.Call{Digest: digest})
			errs <- err
		}()
		synctest.Wait()
		full, cancelFull := context.WithTimeout(t.Context(), time.Hour)
		defer cancelFull()
		_, err = r.Call(full, host.Call{Digest: digest})
		wantCallError(t, err, host.CallUnavailable) // the hook before has the only slot
		close(release)
		for range cap(errs) {
			if err := <-errs; err != nil {
				t.Errorf("call with a slot: %v", err)
			}
		}
	})
}

func TestCloseWaitsForCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, digest, release := waiting(t, plugin.Config{BlockingSlots: 1})
		errs := make(chan error, 2)
		call := func() {
			_, err := r.Call(t.Context(), host.Call{Digest: digest})
			errs <- err
		}
		go call()
		synctest.Wait()
		go call() // waits for the slot
		synctest.Wait()
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Close(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close while a call runs: %v", err)
		}
		wantCallError(t, <-errs, host.CallUnavailable)
		close(release)
		if err := <-errs; err != nil {
			t.Errorf("the call that ran: %v", err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Errorf("close: %v", err)
		}
		_, err := r.Call(t.Context(), host.Call{Digest: digest})
		wantCallError(t, err, host.CallUnavailable)
	})
}
