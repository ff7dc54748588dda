package plugin_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// newJudge is a registry with the first-party judge, which passed its own tests.
func newJudge(t *testing.T) *plugin.Registry {
	t.Helper()
	dir := filepath.Join("..", "..", "plugins", "output-judge")
	manifest, err := os.ReadFile(filepath.Join(dir, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r := newRegistry(t, plugin.Config{})
	p := activate(t, r, manifest, guesttest.GoDir(t, dir), pluginapi.PermissionRun)
	if p.Tests != host.TestsPassed {
		t.Fatalf("its tests are %s", p.Tests)
	}
	return r
}

// judgeHost is a dispatcher with the judge bound to greeter.
func judgeHost(t *testing.T, config string) *hook.Dispatcher {
	t.Helper()
	r := newJudge(t)
	bound := []host.Binding{{Plugin: "output-judge", Config: json.RawMessage(config), Timeout: pluginapi.Duration(time.Minute)}}
	if err := r.PutBindings(t.Context(), greeter.Scope(), bound); err != nil {
		t.Fatal(err)
	}
	d, err := hook.NewDispatcher(hook.Config{Caller: r, Bindings: r, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// deliver has a run of greeter end and makes its background calls.
func deliver(t *testing.T, d *hook.Dispatcher, run host.Runner) host.HookCall {
	t.Helper()
	c := pluginapi.Context{
		Spec: pluginapi.Spec, Point: pluginapi.PointOutput, Timestamp: time.Now(), Sequence: 1,
		Agent: pluginapi.Agent{ID: greeter.ID, Framework: pluginapi.Framework}, Session: pluginapi.Session{ID: "run"},
		Output: &pluginapi.Output{Content: json.RawMessage(`"Sit."`)},
		Extensions: pluginapi.Extensions{Snaphook: &pluginapi.Extension{
			SessionID: "session", Input: &pluginapi.RunInput{Content: json.RawMessage(`"A chair?"`)},
		}},
	}
	ref := hook.RunRef{ID: "run", SessionID: "session", Component: greeter}
	result, err := d.Emit(t.Context(), hook.Emission{Plan: d.Plan(greeter, host.OriginClient), Context: c, Run: ref})
	if err != nil || len(result.Background) != 1 {
		t.Fatalf("emitted %+v, %v", result, err)
	}
	snapshot, err := hook.Snapshot(&result.Context)
	if err != nil {
		t.Fatal(err)
	}
	call := d.Queued(result.Background[0], hook.Occasion{Run: ref, Point: pluginapi.PointOutput, Sequence: 1}, "s", host.Lease{})
	return d.Deliver(t.Context(), call, snapshot, host.Services{Runner: run})
}

func TestOutputJudge(t *testing.T) {
	t.Parallel()
	d := judgeHost(t, `{"judge":"critic","criteria":"It is polite.","scoring":"numeric","name":"politeness"}`)
	var asked host.ComponentRequest
	done := deliver(t, d, runner(func(_ context.Context, req host.ComponentRequest) (host.Run, error) {
		asked = req
		return host.Run{
			ID: "judge-run", SessionID: "other", Status: host.RunCompleted, Content: json.RawMessage(`{"score":3,"reason":"Curt."}`),
			Model: "m", ModelProvider: "p",
		}, nil
	}))
	if done.Error != nil || done.Outcome != host.OutcomeAllowed || len(done.Evaluations) != 1 {
		t.Fatalf("%+v, %+v", done, done.Error)
	}
	if want := (host.BindingScope{Kind: host.KindAgent, ID: "critic"}); asked.Component != want ||
		!strings.Contains(host.Text(asked.Input), `{"input":"A chair?","output":"Sit."}`) || !json.Valid(asked.OutputSchema) {
		t.Errorf("asked %+v: %s", asked.Component, asked.Input)
	}
	score, threshold := 3.0, 7.0
	got := done.Evaluations[0]
	want := host.Evaluation{
		ID: got.ID, HookCallID: done.ID, RunID: "run", SessionID: "session", Component: greeter, Plugin: "output-judge", Hook: "judge",
		Name: "politeness", Score: &score, Threshold: &threshold, Reason: "Curt.", Criteria: "It is polite.",
		Input: json.RawMessage(`"A chair?"`), Output: json.RawMessage(`"Sit."`),
		JudgeRunID: "judge-run", Model: "m", ModelProvider: "p", CreatedAt: got.CreatedAt, UpdatedAt: got.UpdatedAt,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("evaluation (-want +got):\n%s", diff)
	}
}

// A judge without a judgement is a failed call, to be tried again.
func TestOutputJudgeFails(t *testing.T) {
	t.Parallel()
	d := judgeHost(t, `{"judge":"critic","criteria":"It is polite."}`)
	for name, tc := range map[string]struct {
		run  host.Runner
		want string
	}{
		"nonsense": {runner(completes), "its answer is no judgement"},
		"failed": {runner(func(context.Context, host.ComponentRequest) (host.Run, error) {
			return host.Run{ID: "r", Status: host.RunError, Failure: &host.Failure{Type: "x", Message: "No key."}}, nil
		}), "it ended in ERROR: No key."},
		"not run": {runner(func(context.Context, host.ComponentRequest) (host.Run, error) {
			return host.Run{}, host.Errorf(host.CodeNotFound, "There is no agent critic.")
		}), "There is no agent critic."},
	} {
		done := deliver(t, d, tc.run)
		if done.Error == nil || !strings.Contains(done.Error.Message, tc.want) || done.Outcome != "" || done.Evaluations != nil {
			t.Errorf("%s: %+v, %+v", name, done, done.Error)
		}
	}
}

func TestOutputJudgeConfig(t *testing.T) {
	t.Parallel()
	r := newJudge(t)
	for config, want := range map[string]string{
		`{"judge":"j","criteria":"c","scoring":"numeric","threshold":8}`:  "",
		`{"judge":"j","criteria":"c","scoring":"binary"}`:                 "",
		`{"judge":"j","criteria":"c","threshold":8}`:                      "hooks[0].config.threshold: ",
		`{"judge":"j","criteria":"c","scoring":"numeric","threshold":11}`: "hooks[0].config.threshold: ",
		`{"judge":"j"}`:                  "hooks[0].config",
		`{"judge":"a b","criteria":"c"}`: "hooks[0].config.judge: must name a component",
	} {
		err := r.PutBindings(t.Context(), host.HostWide, []host.Binding{{Plugin: "output-judge", Config: json.RawMessage(config)}})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}

// The Go SDK speaks of runs and evaluations as the host does.
func TestGoGuestJudges(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	p := activate(t, r, []byte(`manifest_version: 1
name: services
version: 1.0.0
hooks: [{name: judge, point: output, export: judge}]
permissions: {run: {components_from: [judge], reason: judges}}
`), guesttest.GoDir(t, filepath.Join("..", "..", "sdk", "go", "testdata", "services")), pluginapi.PermissionRun)
	try := plugin.Try{
		Hook: "judge", Context: json.RawMessage(`{"output":{"content":"hi"}}`), Config: json.RawMessage(`{"judge":"critic"}`),
		Stubs: plugin.Stubs{Run: map[string]pluginapi.RunStub{"critic": {Content: json.RawMessage(`"fine"`)}}},
	}
	result, err := r.Try(t.Context(), p.Name, p.Version, try)
	if err != nil || result.Call.Error != nil || len(result.Call.Evaluations) != 1 {
		t.Fatalf("%+v, %+v, %v", result.Call.Evaluations, result.Call.Error, err)
	}
	if e := result.Call.Evaluations[0]; !e.Passed || string(e.Output) != `"fine"` || e.JudgeRunID == "" {
		t.Errorf("evaluation %+v", e)
	}
	try.Stubs.Run = nil
	result, err = r.Try(t.Context(), p.Name, p.Version, try)
	if err != nil || result.Call.Error == nil || !strings.Contains(result.Call.Error.Message, "nothing is stubbed for agent:critic") {
		t.Errorf("without a stub: %+v, %v", result.Call.Error, err)
	}
}
