package plugin_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

var hi = json.RawMessage(`{"input":{"content":"hi"}}`)

// A version that was never activated can be tried: only stubs answer it.
func TestTry(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	install(t, r, []byte(talkative+"  []\n"), talkativeModule(t))
	for name, tc := range map[string]struct {
		try     plugin.Try
		outcome host.HookOutcome
		reason  string
		code    string
	}{
		"config": {
			plugin.Try{Hook: "say", Context: hi, Config: json.RawMessage(`{"say":"{\"decision\":\"deny\",\"reason\":\"no\"}"}`)},
			host.OutcomeDenied, "no", "",
		},
		"http": {
			plugin.Try{
				Hook: "ask", Context: json.RawMessage(`{"output":{"content":"hi"}}`), Mode: pluginapi.ModeBlocking,
				Stubs: plugin.Stubs{HTTP: []pluginapi.HTTPStub{
					{URL: "https://hooks.example.com/verdict", Body: `{"decision":"deny","reason":"asked"}`},
				}},
			}, host.OutcomeDenied, "asked", "",
		},
		"not stubbed":      {plugin.Try{Hook: "ask", Context: json.RawMessage(`{"output":{"content":"hi"}}`)}, "", "", "refused"},
		"guardrail":        {plugin.Try{Hook: "trap", Context: hi, OnError: pluginapi.OnErrorAllow}, host.OutcomeFailedClosed, "host_error:interceptor_failed", "trap"},
		"silent":           {plugin.Try{Hook: "log", Context: hi}, host.OutcomeAllowed, "", ""},
		"fails open":       {plugin.Try{Hook: "say", Context: hi, Config: json.RawMessage(`{"say":"x"}`), OnError: pluginapi.OnErrorAllow}, host.OutcomeFailedOpen, "", "verdict_invalid"},
		"in background":    {plugin.Try{Hook: "say", Context: hi, Mode: pluginapi.ModeBackground}, host.OutcomeAllowed, "", ""},
		"without a config": {plugin.Try{Hook: "say", Context: json.RawMessage(`{"input":{"content":"hi"},"extensions":{"snaphook":{"config":{"say":"{\"decision\":\"deny\"}"}}}}`)}, host.OutcomeDenied, "", ""},
	} {
		result, err := r.Try(t.Context(), "talkative", "1.0.0", tc.try)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		code := ""
		if result.Call.Error != nil {
			code = result.Call.Error.Code
		}
		if result.Call.Outcome != tc.outcome || result.Verdict.Reason != tc.reason || code != tc.code {
			t.Errorf("%s: %+v, %+v", name, result.Verdict, result.Call)
		}
	}
	logs, err := r.Try(t.Context(), "talkative", "1.0.0", plugin.Try{Hook: "log", Context: hi})
	if err != nil || len(logs.Call.Logs) != 1 || logs.Call.Logs[0].Message != "careful" || logs.Call.DurationMS <= 0 {
		t.Errorf("logs: %+v, %v", logs.Call, err)
	}
}

func TestTryRefuses(t *testing.T) {
	t.Parallel()
	r := newBound(t, plugin.Config{})
	object := func(text string) json.RawMessage { return json.RawMessage(text) }
	for name, tc := range map[string]struct {
		try   plugin.Try
		field string
		want  []string
	}{
		"hook":       {plugin.Try{Hook: "gaurd"}, "hook", nil},
		"context":    {plugin.Try{Hook: "guard", Context: object(`{"input":{"role":"user"}}`)}, "context", []string{"input.content: is missing: a context at input needs it"}},
		"no context": {plugin.Try{Hook: "guard"}, "context", []string{"input.content: is missing: a context at input needs it"}},
		"binding": {plugin.Try{Hook: "free", Context: hi, Mode: "later", OnError: "ignore", Config: object(`{"mask":1}`)}, "", []string{
			"mode: must be blocking or background", "on_error: must be deny or allow", "config.mask: got number, want boolean",
		}},
		"config":  {plugin.Try{Hook: "free", Context: hi, Config: object(`null`)}, "", []string{"config: must be an object"}},
		"timeout": {plugin.Try{Hook: "late", Context: hi, Mode: pluginapi.ModeBlocking}, "", []string{"mode: the hook late may block and then has at most 5s; its timeout is 1m0s"}},
		"stubs": {plugin.Try{Hook: "free", Context: hi, Stubs: plugin.Stubs{
			HTTP: []pluginapi.HTTPStub{{Status: 1}}, KV: map[string]string{}, SessionState: object(`[]`),
		}}, "", []string{
			"kv: is not used: the plugin does not ask for this permission",
			"session_state: is not used: the plugin does not ask for this permission",
			"http[0].url: is missing", "http[0].status: must be between 100 and 599", "session_state: must be an object",
		}},
		"real http": {plugin.Try{Hook: "free", Context: hi, Real: true, Stubs: plugin.Stubs{HTTP: []pluginapi.HTTPStub{}}}, "http", nil},
		"real kv":   {plugin.Try{Hook: "free", Context: hi, Real: true, Stubs: plugin.Stubs{KV: map[string]string{}}}, "kv", nil},
	} {
		_, err := r.Try(t.Context(), "strict", "1.0.0", tc.try)
		if diff := cmp.Diff(tc.want, refused(t, err, host.CodeInvalid, tc.field)); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", name, diff)
		}
	}
	for _, of := range [][2]string{{"strict", "2.0.0"}, {"unknown", "1.0.0"}} {
		if _, err := r.Try(t.Context(), of[0], of[1], plugin.Try{Hook: "guard", Context: hi}); host.CodeOf(err) != host.CodeNotFound {
			t.Errorf("try %v: %v", of, err)
		}
	}
}

// Real effects are those the plugin is granted now; the session's state is the
// try's all the same.
func TestTryWithRealEffects(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	var last runtime.Call
	g := &guests{call: func(ctx context.Context, _ runtime.Source, call runtime.Call) (runtime.Result, error) {
		last = call
		if call.Services.KV != nil {
			return runtime.Result{}, call.Services.KV.Set(ctx, "k", []byte("v"))
		}
		return runtime.Result{}, nil
	}}
	r := newRegistry(t, plugin.Config{Store: store, Loader: g, Secrets: secrets{"TOKEN": "real"}})
	p := install(t, r, manifestOf("a", "1.0.0", allPermissions), fakeModule)
	try := func(want bool) {
		t.Helper()
		_, err := r.Try(t.Context(), "a", "1.0.0", plugin.Try{
			Hook: "run", Context: hi, Real: true, Stubs: plugin.Stubs{SessionState: json.RawMessage(`{"n":1}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, kept, err := store.KVValue(t.Context(), "a", "k")
		s := last.Services
		got := []bool{kept, s.KV != nil, s.SessionState != nil, s.Secrets != nil, last.HTTP != nil, s.HTTP != nil}
		if diff := cmp.Diff([]bool{want, want, want, want, want, false}, got); diff != "" || err != nil {
			t.Errorf("services %v, %v", got, err)
		}
	}
	try(false)
	if _, err := r.Activate(t.Context(), "a", "1.0.0", p.Manifest.Permissions.Names(), false); err != nil {
		t.Fatal(err)
	}
	try(true)
	if value, _ := last.Services.Secrets.Secret("TOKEN"); value != "real" {
		t.Errorf("the secret is %q", value)
	}
	if state, err := last.Services.SessionState.Get(t.Context()); string(state) != `{"n":1}` || err != nil {
		t.Errorf("the state is %s, %v", state, err)
	}
}
