package httpapi

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

const callPath = "/plugins/pii-guard/1.0.0/call"

func TestTryHook(t *testing.T) {
	t.Parallel()
	f := fixture{plugins: fakePlugins{trial: host.TrialResult{
		Verdict: pluginapi.Verdict{Decision: pluginapi.TransformTo, Transform: &pluginapi.Transform{
			Path: "$target.content", Value: json.RawMessage(`"<x>"`),
		}},
		Call: host.HookCall{
			Decision: pluginapi.TransformTo, Outcome: host.OutcomeTransformed, Mode: pluginapi.ModeBlocking, Guardrail: true,
			Warnings: []pluginapi.Warning{}, Logs: []host.LogLine{{At: at, Level: "info", Message: "hello"}}, DurationMS: 1.5,
		},
	}}}
	body := `{"hook":"check","context":{"input":{"content":"x"}},"mode":"blocking","config":{"mask":true},"on_error":"allow",` +
		`"http":[{"url":"https://a","status":201,"body":"b"}],"kv":{"k":"v"},"session_state":{"n":1},"run":{"team:judges":{"content":{"passed":true}}}}`
	wantAnswer(t, f.ask(t, http.MethodPost, callPath, "application/json", body), http.StatusOK,
		`{"verdict":{"decision":"transform","transform":{"path":"$target.content","value":"<x>"}},"decision":"transform",`+
			`"outcome":"transformed","mode":"blocking","guardrail":true,"warnings":[],`+
			`"logs":[{"at":"2026-11-20T09:30:00.123456Z","level":"info","message":"hello"}],"duration_ms":1.5}`)
	want := plugin.Try{
		Hook: "check", Context: json.RawMessage(`{"input":{"content":"x"}}`), Mode: pluginapi.ModeBlocking,
		Config: json.RawMessage(`{"mask":true}`), OnError: pluginapi.OnErrorAllow,
		Stubs: plugin.Stubs{
			HTTP: []pluginapi.HTTPStub{{URL: "https://a", Status: 201, Body: "b"}},
			KV:   map[string]string{"k": "v"}, SessionState: json.RawMessage(`{"n":1}`),
			Run: map[string]pluginapi.RunStub{"team:judges": {Content: json.RawMessage(`{"passed":true}`)}},
		},
	}
	if diff := cmp.Diff([]plugin.Try{want}, f.plugins.tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
}

func TestTryHookThatFails(t *testing.T) {
	t.Parallel()
	f := fixture{plugins: fakePlugins{trial: host.TrialResult{Call: host.HookCall{
		Mode: pluginapi.ModeBackground, Warnings: []pluginapi.Warning{}, Logs: []host.LogLine{},
		Error: &host.HookError{Code: "trap", Message: "unreachable"},
	}}}}
	wantAnswer(t, f.ask(t, http.MethodPost, callPath+"?effects=real", "application/json", `{"hook":"check"}`), http.StatusOK,
		`{"verdict":null,"mode":"background","guardrail":false,"warnings":[],"logs":[],"duration_ms":0,`+
			`"error":{"code":"trap","message":"unreachable"}}`)
	if len(f.plugins.tried) != 1 || !f.plugins.tried[0].Real {
		t.Errorf("tried %+v", f.plugins.tried)
	}
}

const unknownInTry = "is unknown; known are hook, context, mode, config, on_error, http, kv, session_state, run"

func TestTryHookRefusesBadRequests(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ query, body, want string }{
		"effects": {"?effects=some", `{}`, `{"detail":[{"type":"enum","loc":["query","effects"],"msg":"Input should be 'stubs' or 'real'",` +
			`"input":"some","ctx":{"expected":"'stubs' or 'real'"}}],"error_id":"invalid","error_type":"request_error"}`},
		"unknown member": {"", `{"hok":"check"}`, `{"detail":"The body is not valid: hok: ` + unknownInTry + `","error_id":"invalid",` +
			`"error_type":"request_error","problems":[{"path":"hok","message":"` + unknownInTry + `"}]}`},
		"unknown member of a stub": {"", `{"hook":"check","http":[{"uri":"x"}]}`,
			`{"detail":"http[0]: must be an object with url, status and body","error_id":"invalid","error_type":"request_error"}`},
		"unknown member of a stub of a run": {"", `{"hook":"check","run":{"judge":{"text":"x"}}}`,
			`{"detail":"run.judge: must be an object with status, content and error","error_id":"invalid","error_type":"request_error"}`},
		"stub that is no object": {"", `{"hook":"check","http":["x"]}`,
			`{"detail":"http[0]: must be an object with url, status and body","error_id":"invalid","error_type":"request_error"}`},
	} {
		f := fixture{}
		w := f.ask(t, http.MethodPost, callPath+tc.query, "application/json", tc.body)
		if diff := cmp.Diff(tc.want, w.Body.String()); diff != "" || w.Code != http.StatusUnprocessableEntity || f.plugins.tried != nil {
			t.Errorf("%s: status %d, body (-want +got):\n%s", name, w.Code, diff)
		}
	}
	f := fixture{}
	if w := f.ask(t, http.MethodPost, callPath, "text/plain", `{}`); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("another type: status %d", w.Code)
	}
}
