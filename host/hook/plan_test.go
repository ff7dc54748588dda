package hook_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestNewDispatcherWantsItsParts(t *testing.T) {
	t.Parallel()
	log := slog.New(slog.DiscardHandler)
	for name, cfg := range map[string]hook.Config{
		"no caller":   {Bindings: bindings{}, Log: log},
		"no bindings": {Caller: &guests{}, Log: log},
		"no log":      {Caller: &guests{}, Bindings: bindings{}},
	} {
		if _, err := hook.NewDispatcher(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// plan resolves hooks under the host's switch.
func plan(t *testing.T, inBackground bool, hooks ...bound) *hook.Plan {
	t.Helper()
	d, err := hook.NewDispatcher(hook.Config{
		Caller: &guests{}, Bindings: bindings(hooks), InBackground: inBackground,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d.Plan(component, "")
}

func TestMode(t *testing.T) {
	t.Parallel()
	const blocking, background = pluginapi.ModeBlocking, pluginapi.ModeBackground
	for _, test := range []struct {
		guardrail         bool
		binding, manifest pluginapi.Mode
		inBackground      bool
		want              pluginapi.Mode
	}{
		{want: blocking},
		{inBackground: true, want: background},
		{manifest: blocking, inBackground: true, want: blocking},
		{manifest: background, want: background},
		{binding: blocking, manifest: background, inBackground: true, want: blocking},
		{binding: background, manifest: blocking, want: background},
		{binding: background, want: background},
		{binding: blocking, inBackground: true, want: blocking},
		{guardrail: true, want: blocking},
		{guardrail: true, inBackground: true, want: blocking},
		{guardrail: true, manifest: background, want: blocking},
		{guardrail: true, binding: background, manifest: background, inBackground: true, want: blocking},
	} {
		b := input("one")
		b.hook.Guardrail, b.hook.Mode, b.binding.Mode = test.guardrail, test.manifest, test.binding
		p := plan(t, test.inBackground, b)
		if got := p.At(pluginapi.PointInput)[0]; got.Mode != test.want {
			t.Errorf("%+v: %s", test, got.Mode)
		}
		if p.Blocking(pluginapi.PointInput) != (test.want == blocking) || p.Blocking(pluginapi.PointOutput) {
			t.Errorf("%+v: blocking is %t", test, p.Blocking(pluginapi.PointInput))
		}
	}
}

func TestGuardrailNeverFailsOpen(t *testing.T) {
	t.Parallel()
	hooks := plan(t, false, input("one").failOpen(), input("two").failOpen().guardrail()).At(pluginapi.PointInput)
	if !hooks[0].FailOpen || hooks[1].FailOpen {
		t.Errorf("fail open: %t, %t", hooks[0].FailOpen, hooks[1].FailOpen)
	}
	proposes := input("three")
	proposes.hook.OnError = pluginapi.OnErrorAllow
	if plan(t, false, proposes).At(pluginapi.PointInput)[0].FailOpen {
		t.Error("a proposal of the manifest took effect")
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode              pluginapi.Mode
		binding, manifest time.Duration
		want              time.Duration
	}{
		{pluginapi.ModeBlocking, 0, 0, hook.DefaultBlockingTimeout},
		{pluginapi.ModeBackground, 0, 0, hook.DefaultBackgroundTimeout},
		{pluginapi.ModeBlocking, 0, time.Second, time.Second},
		{pluginapi.ModeBlocking, 2 * time.Second, time.Second, 2 * time.Second},
		{pluginapi.ModeBlocking, 0, time.Minute, pluginapi.MaxBlockingTimeout},
		{pluginapi.ModeBackground, 0, time.Minute, time.Minute},
		{pluginapi.ModeBackground, time.Hour, 0, pluginapi.MaxBackgroundTimeout},
	} {
		b := input("one")
		b.hook.Mode = test.mode
		b.hook.Timeout, b.binding.Timeout = pluginapi.Duration(test.manifest), pluginapi.Duration(test.binding)
		if got := plan(t, false, b).At(pluginapi.PointInput)[0].Timeout; got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	duration := func(d time.Duration) pluginapi.Duration { return pluginapi.Duration(d) }
	defaults := pluginapi.Retry{
		MaxAttempts: hook.DefaultMaxAttempts, Initial: duration(hook.DefaultRetryInitial), Max: duration(hook.DefaultRetryMax),
	}
	for name, test := range map[string]struct {
		given *pluginapi.Retry
		want  pluginapi.Retry
	}{
		"none":  {nil, defaults},
		"empty": {&pluginapi.Retry{}, defaults},
		"all": {
			&pluginapi.Retry{MaxAttempts: 2, Initial: duration(3), Max: duration(4)},
			pluginapi.Retry{MaxAttempts: 2, Initial: duration(3), Max: duration(4)},
		},
		"longer than the default's most": {
			&pluginapi.Retry{Initial: duration(time.Hour)},
			pluginapi.Retry{MaxAttempts: hook.DefaultMaxAttempts, Initial: duration(time.Hour), Max: duration(time.Hour)},
		},
	} {
		b := input("one").background()
		b.hook.Retry = test.given
		if diff := cmp.Diff(test.want, plan(t, false, b).At(pluginapi.PointInput)[0].Retry); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestPlanExpandsBindings(t *testing.T) {
	t.Parallel()
	resolve := resolver{{
		Binding: host.Binding{Plugin: "p", Config: []byte(`{"k":1}`)},
		Plugin: &host.Plugin{Name: "p", Version: "2.0.0", Digest: "sha256:p", Manifest: pluginapi.Manifest{Hooks: []pluginapi.Hook{
			{Name: "a", Export: "ea", Point: pluginapi.PointInput},
			{Name: "b", Export: "eb", Point: pluginapi.PointOutput},
			{Name: "c", Export: "ec", Point: pluginapi.PointInput},
		}}},
	}}
	resolve = append(resolve, resolve[0])
	resolve[1].Binding.Hook = "c"
	d, err := hook.NewDispatcher(hook.Config{
		Caller: &guests{}, Bindings: resolve, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	p := d.Plan(component, "")
	names := []string{}
	for i, h := range p.At(pluginapi.PointInput) {
		names = append(names, h.FullName())
		if h.Position != i || h.Digest != "sha256:p" || h.Version != "2.0.0" || string(h.Config) != `{"k":1}` {
			t.Errorf("hook %+v", h)
		}
	}
	if diff := cmp.Diff([]string{"p.a", "p.c", "p.c"}, names); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
	if len(p.At(pluginapi.PointOutput)) != 1 || p.Empty() {
		t.Errorf("plan %+v", p)
	}
	if empty := plan(t, false); !empty.Empty() || empty.At(pluginapi.PointInput) != nil {
		t.Errorf("plan %+v", empty)
	}
}

// resolver answers the same for every component.
type resolver []host.BoundPlugin

func (r resolver) Resolve(host.Component, host.Origin) []host.BoundPlugin { return r }
