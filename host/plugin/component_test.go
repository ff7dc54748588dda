package plugin_test

import (
	"context"
	"encoding/json"
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

// runner is a host.Runner.
type runner func(ctx context.Context, req host.ComponentRequest) (host.Run, error)

func (r runner) RunComponent(ctx context.Context, req host.ComponentRequest) (host.Run, error) {
	return r(ctx, req)
}

// completes is a runner whose runs all complete.
func completes(context.Context, host.ComponentRequest) (host.Run, error) {
	return host.Run{ID: "r", SessionID: "s", Status: host.RunCompleted, Content: json.RawMessage(`"fine"`)}, nil
}

// running is a plugin with the permission run, whose hooks ask one component each.
const running = `manifest_version: 1
name: running
version: 1.0.0
hooks:
  - {name: agent, point: input, export: agent}
  - {name: team, point: input, export: team}
  - {name: other, point: input, export: other}
permissions:
  run: {components: ["team:helpers"], components_from: [judge], reason: asks a judge}
`

func runningModule(t *testing.T) []byte {
	t.Helper()
	asks := func(component string) guesttest.Hook {
		return guesttest.Asks("run", `{"component":"`+component+`","input":"hi"}`)
	}
	return guesttest.Module(t, map[string]guesttest.Hook{
		"agent": asks("judge"), "team": asks("team:helpers"), "other": asks("helpers"),
	})
}

func TestRunNeedsTheGrantAndTheComponent(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	p := install(t, r, []byte(running), runningModule(t))
	const fine = `={"run_id":"r","session_id":"s","status":"COMPLETED","content":"fine"}`
	ask := func(export, config, want string) {
		t.Helper()
		got, err := r.Call(t.Context(), host.Call{
			Digest: p.Digest, Export: export, Timeout: time.Minute, Config: json.RawMessage(config),
			Services: host.Services{Runner: runner(completes)},
		})
		if err != nil || string(got.Output) != want {
			t.Errorf("%s with %s: %s, %v; want %s", export, config, got.Output, err, want)
		}
	}
	ask("team", `{}`, "!not_granted: run: the permission is not granted")
	if _, err := r.Activate(t.Context(), p.Name, p.Version, []pluginapi.Permission{pluginapi.PermissionRun}, false); err != nil {
		t.Fatal(err)
	}
	ask("team", `{}`, fine)
	ask("agent", `{}`, "!not_granted: run: the agent judge: the permission is not granted")
	ask("agent", `{"judge":"judge"}`, fine)
	ask("agent", `{"judge":"agent:judge"}`, fine)
	ask("agent", `{"judge":"team:judge"}`, "!not_granted: run: the agent judge: the permission is not granted")
	ask("other", `{"judge":["helpers"]}`, "!not_granted: run: the agent helpers: the permission is not granted")
}

func TestConfiguredComponentsAreChecked(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{Components: []host.BindingScope{
		{Kind: host.KindAgent, ID: "j"}, {Kind: host.KindWorkflow, ID: "j"},
	}})
	p := activate(t, r, []byte(running), runningModule(t), pluginapi.PermissionRun)
	const wrong = "must name a component, [agent:|team:|workflow:]id: the plugin runs it"
	for config, want := range map[string][]string{
		`{}`: nil, `{"judge":"j"}`: nil, `{"judge":"workflow:j"}`: nil, `{"other":1}`: nil,
		`{"judge":""}`: {"hooks[0].config.judge: " + wrong}, `{"judge":"job:j"}`: {"hooks[0].config.judge: " + wrong},
		`{"judge":"team:j"}`: {`hooks[0].config.judge: this host has no team "j", which the plugin is to run`},
		`{"judge":null}`:     {"hooks[0].config.judge: " + wrong}, `{"judge":["j"]}`: {"hooks[0].config.judge: " + wrong},
	} {
		err := r.PutBindings(t.Context(), host.HostWide, []host.Binding{{Plugin: "running", Config: json.RawMessage(config)}})
		if want == nil {
			if err != nil {
				t.Errorf("%s: %v", config, err)
			}
			continue
		}
		if diff := cmp.Diff(want, refused(t, err, host.CodeInvalid, "hooks")); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", config, diff)
		}
	}
	if got := r.CheckConfig(&p, json.RawMessage(`{"judge":"ghost"}`)); len(got) != 1 || got[0].Path != "config.judge" {
		t.Errorf("for tools: %+v", got)
	}
}

// A call that waits for a run keeps no call of that run from its slot, though all
// slots are taken.
func TestRunsOfCallsHaveSlotsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const slots = 2
	r := newRegistry(t, plugin.Config{BlockingSlots: slots})
	p := activate(t, r, []byte(running), runningModule(t), pluginapi.PermissionRun)
	call := func(ctx context.Context, depth int, run runner) error {
		_, err := r.Call(ctx, host.Call{
			Digest: p.Digest, Export: "team", Timeout: time.Minute, Depth: depth, Services: host.Services{Runner: run},
		})
		return err
	}
	arrived, all := make(chan struct{}, slots), make(chan struct{})
	judged := func(ctx context.Context, req host.ComponentRequest) (host.Run, error) {
		arrived <- struct{}{}
		<-all // now every slot of depth 0 is taken
		second := func(ctx context.Context, req host.ComponentRequest) (host.Run, error) {
			if err := call(ctx, 2, completes); err != nil {
				return host.Run{}, err
			}
			return completes(ctx, req)
		}
		if err := call(ctx, 1, second); err != nil {
			return host.Run{}, err
		}
		return completes(ctx, req)
	}
	errs := make(chan error, slots)
	for range slots {
		go func() { errs <- call(t.Context(), 0, judged) }()
	}
	for range slots {
		<-arrived
	}
	close(all)
	for range slots {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	for _, depth := range []int{-1, host.MaxDepth + 1} {
		wantCallError(t, call(t.Context(), depth, completes), host.CallUnavailable)
	}
}

// judging stubs a judge and stores what it found.
const judging = `manifest_version: 1
name: judging
version: 1.0.0
hooks:
  - {name: ask, point: input, export: ask}
  - {name: store, point: output, export: store, mode: background}
permissions:
  run: {components: [judge], reason: asks a judge}
tests:
`

func judgingModule(t *testing.T, evaluation string) []byte {
	t.Helper()
	return guesttest.Module(t, map[string]guesttest.Hook{
		"ask":   guesttest.Asks("run", `{"component":"judge","input":"hi"}`),
		"store": guesttest.Asks("evaluate", evaluation),
	})
}

// The guests of ask answer what they were told, which is no verdict: the failure
// shows it.
func TestStubbedRuns(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{Trials: hook.Trials{}})
	install(t, r, []byte(judging+`  - hook: store
    context: {output: {content: hi}}
    want: {decision: allow, evaluations: [{score: 7, hook: store}]}
`), judgingModule(t, `{"passed":true,"score":7.0}`))
	try := plugin.Try{Hook: "store", Context: json.RawMessage(`{"output":{"content":"hi"}}`)}
	result, err := r.Try(t.Context(), "judging", "1.0.0", try)
	if err != nil || len(result.Call.Evaluations) != 1 || !result.Call.Evaluations[0].Passed {
		t.Errorf("evaluations %+v, %v", result.Call.Evaluations, err)
	}
	_, err = r.Install(t.Context(), []byte(strings.Replace(judging, "1.0.0", "1.1.0", 1)+`  - hook: store
    context: {output: {content: hi}}
    want: {evaluations: [{passed: false, score: 7}]}
  - hook: ask
    context: {input: {content: hi}}
    want: {decision: allow}
`), judgingModule(t, `{"passed":true,"score":7.0}`))
	got := refused(t, err, host.CodeInvalid, "tests")
	if len(got) != 2 || !strings.Contains(got[0], "they differ in evaluations[0].passed") ||
		!strings.HasSuffix(got[1], "; not stubbed: run agent:judge") {
		t.Errorf("problems %q", got)
	}
}

func TestStubRunner(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stubs string
		want  string
	}{
		"content": {`{"judge":{"content":{"passed":true}}}`, `="status":"COMPLETED","content":{"passed":true}}`},
		"kind":    {`{"agent:judge":{"content":"a"},"judge":{"content":"b"}}`, `="status":"COMPLETED","content":"a"}`},
		"failed": {
			`{"judge":{"status":"ERROR","content":"No.","error":{"type":"input_check_error","message":"No."}}}`,
			`="status":"ERROR","content":"No.","error":{"type":"input_check_error","message":"No."}}`,
		},
		"cancelled": {`{"judge":{"status":"CANCELLED"}}`, `="status":"CANCELLED"}`},
		"other":     {`{"team:judge":{"content":"a"}}`, "!unavailable: run: nothing is stubbed for agent:judge"},
		"none":      {`{}`, "!unavailable: run: nothing is stubbed for agent:judge"},
	} {
		var stubs map[string]pluginapi.RunStub
		if err := json.Unmarshal([]byte(tc.stubs), &stubs); err != nil {
			t.Fatal(err)
		}
		told := &told{}
		r := newRegistry(t, plugin.Config{Trials: told})
		install(t, r, []byte(strings.TrimSuffix(judging, "tests:\n")), judgingModule(t, `{}`))
		try := plugin.Try{Hook: "ask", Context: hi, Stubs: plugin.Stubs{Run: stubs}}
		if _, err := r.Try(t.Context(), "judging", "1.0.0", try); err != nil {
			t.Fatal(err)
		}
		got := told.output
		if _, tail, ok := strings.Cut(got, `"status"`); ok {
			got = `="status"` + tail
		}
		if got != tc.want {
			t.Errorf("%s: the guest was told %s, want %s", name, got, tc.want)
		}
	}
}

// told is a plugin.Trials that keeps the guest's output.
type told struct{ output string }

func (*told) Check(host.Trial) []host.Problem { return nil }

func (r *told) Try(ctx context.Context, caller host.Caller, trial host.Trial) (host.TrialResult, error) {
	result, err := caller.Call(ctx, host.Call{
		Digest: trial.Plugin.Digest, Export: trial.Binding.Hook, Timeout: time.Minute, Services: trial.Services,
	})
	r.output = string(result.Output)
	return host.TrialResult{}, err
}

func TestTryRunsForReal(t *testing.T) {
	t.Parallel()
	told := &told{}
	r := newRegistry(t, plugin.Config{Trials: told})
	activate(t, r, []byte(strings.TrimSuffix(judging, "tests:\n")), judgingModule(t, `{}`), pluginapi.PermissionRun)
	try := plugin.Try{Hook: "ask", Context: hi, Real: true}
	for want, run := range map[string]host.Runner{
		"!not_granted: run: the permission is not granted":                       nil,
		`={"run_id":"r","session_id":"s","status":"COMPLETED","content":"fine"}`: runner(completes),
	} {
		try.Runner = run
		if _, err := r.Try(t.Context(), "judging", "1.0.0", try); err != nil || told.output != want {
			t.Errorf("the guest was told %s, %v; want %s", told.output, err, want)
		}
	}
	try.Stubs.Run = map[string]pluginapi.RunStub{}
	_, err := r.Try(t.Context(), "judging", "1.0.0", try)
	refused(t, err, host.CodeInvalid, "run")
}
