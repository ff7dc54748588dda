package hook_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// watcher writes down what it is told.
type watcher struct {
	host.Unobserved
	told []string
}

func (w *watcher) HookStarted(call *host.HookCall) {
	w.told = append(w.told, fmt.Sprintf("%s %s starts", call.Mode, call.Hook))
}

func (w *watcher) HookEnded(call *host.HookCall) {
	failure := ""
	if call.Error != nil {
		failure = " " + call.Error.Code
	}
	w.told = append(w.told, fmt.Sprintf("%s %s %s %s%s", call.Mode, call.Hook, call.Status, call.Outcome, failure))
}

func (w *watcher) HookSkipped(call *host.HookCall) {
	w.told = append(w.told, fmt.Sprintf("%s %s skipped", call.Mode, call.Hook))
}

func TestObserverIsToldOfEveryCall(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{
		"one": says(allow), "two": fails(host.CallTrap), "three": says(`{"decision":"deny"}`), "late": fails(host.CallTimeout),
	}}
	w := &watcher{}
	d, err := hook.NewDispatcher(hook.Config{
		Caller: g, Observer: w, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
		Bindings: bindings{input("one"), input("two").failOpen(), input("late").background(), input("three"), input("four")},
	})
	if err != nil {
		t.Fatal(err)
	}
	emit(t, d, contextAt(pluginapi.PointInput))
	c := contextAt(pluginapi.PointInput)
	snapshot, err := hook.Snapshot(&c)
	if err != nil {
		t.Fatal(err)
	}
	late := d.Queued(&d.Plan(component, "").At(pluginapi.PointInput)[2], occasion(), "snap", host.Lease{})
	d.Deliver(t.Context(), late, snapshot, host.Services{})
	want := []string{
		"blocking one starts", "blocking one completed allowed",
		"blocking two starts", "blocking two completed failed_open trap",
		"blocking three starts", "blocking three completed denied",
		"blocking four skipped",
		"background late starts", "background late queued  timeout",
	}
	if diff := cmp.Diff(want, w.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A hook whose run is cancelled meanwhile is told of as ended too.
func TestObserverIsToldOfACancelledCall(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := &guests{exports: map[string]guest{"one": func(context.Context, host.Call) (host.CallResult, error) {
		cancel()
		return host.CallResult{}, &host.CallError{Code: host.CallCancelled}
	}}}
	w := &watcher{}
	d, err := hook.NewDispatcher(hook.Config{
		Caller: g, Observer: w, Bindings: bindings{input("one")}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Emit(ctx, emission(d, contextAt(pluginapi.PointInput))); err == nil {
		t.Error("the emission was not cancelled")
	}
	want := []string{"blocking one starts", "blocking one cancelled  cancelled"}
	if diff := cmp.Diff(want, w.told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}
