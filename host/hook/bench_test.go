package hook_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// instant is a caller whose guests allow at once.
type instant struct{}

func (instant) Call(context.Context, host.Call) (host.CallResult, error) {
	return host.CallResult{Output: []byte(allow)}, nil
}

// kilobyte is a context of about that size.
func kilobyte() pluginapi.Context {
	c := inputOf(`"` + strings.Repeat("All work and no play. ", 10) + `"`)
	c.Extensions.Snaphook.Metadata = json.RawMessage(`{"customer":"c-1","tags":["a","b"]}`)
	return c
}

func newBenchDispatcher(b *testing.B, hooks ...bound) *hook.Dispatcher {
	b.Helper()
	d, err := hook.NewDispatcher(hook.Config{Caller: instant{}, Bindings: bindings(hooks), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkEmit is what three blocking hooks cost beside their guests.
func BenchmarkEmit(b *testing.B) {
	d := newBenchDispatcher(b, input("one"), input("two"), input("three"))
	e := emission(d, kilobyte())
	b.ReportAllocs()
	for b.Loop() {
		if result, err := d.Emit(b.Context(), e); err != nil || result.Denied() {
			b.Fatal(result.Verdict, err)
		}
	}
}

// BenchmarkDeliver is what a background call costs beside its guest.
func BenchmarkDeliver(b *testing.B) {
	d := newBenchDispatcher(b, input("one").background())
	c := kilobyte()
	snapshot, err := hook.Snapshot(&c)
	if err != nil {
		b.Fatal(err)
	}
	call := d.Queued(&d.Plan(component, "").At(pluginapi.PointInput)[0], occasion(), "snapshot", host.Lease{})
	b.ReportAllocs()
	for b.Loop() {
		if done := d.Deliver(b.Context(), call, snapshot, host.Services{}); done.Error != nil {
			b.Fatal(done.Error)
		}
	}
}
