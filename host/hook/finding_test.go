package hook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// stores is a guest that stores evaluations and answers; what it is told is kept.
func stores(told *[]error, output string, documents ...string) guest {
	return func(ctx context.Context, call host.Call) (host.CallResult, error) {
		for _, d := range documents {
			*told = append(*told, call.Services.Evaluations.Add(ctx, json.RawMessage(d)))
		}
		return host.CallResult{Output: []byte(output)}, nil
	}
}

// runner is a host.Runner whose runs all end as it is.
type runner host.Run

func (r runner) RunComponent(context.Context, host.ComponentRequest) (host.Run, error) {
	if r.Status == "" {
		return host.Run{ID: r.ID}, errors.New("nothing ran")
	}
	return host.Run(r), nil
}

// judges is a guest that has a component run and stores an evaluation of that run.
func judges(runID string, told *[]error) guest {
	return func(ctx context.Context, call host.Call) (host.CallResult, error) {
		_, err := call.Services.Runner.RunComponent(ctx, host.ComponentRequest{Input: json.RawMessage(`"hi"`)})
		*told = append(*told, err, call.Services.Evaluations.Add(ctx, fmt.Appendf(nil, `{"passed":true,"judge_run_id":%q}`, runID)))
		return host.CallResult{Output: []byte(allow)}, nil
	}
}

func TestBlockingCallFindsEvaluations(t *testing.T) {
	t.Parallel()
	var told []error
	const document = `{"name":"n","score":7.5,"threshold":7,"passed":true,"reason":"r","criteria":"c","input":"i","output":{"a":1}}`
	g := &guests{exports: map[string]guest{"one": stores(&told, `{"decision":"deny"}`, document, `{"passed":false}`)}}
	d := newDispatcher(t, g, input("one"))
	result := emit(t, d, inputOf(`"hello"`))
	if err := errors.Join(told...); err != nil {
		t.Fatal(err)
	}
	call := result.Calls[0]
	score, threshold := 7.5, 7.0
	base := host.Evaluation{
		HookCallID: call.ID, RunID: "r", SessionID: "s", Component: component, Plugin: "one", Hook: "one", CreatedAt: now, UpdatedAt: now,
	}
	first := base
	first.Name, first.Score, first.Threshold, first.Passed, first.Reason, first.Criteria = "n", &score, &threshold, true, "r", "c"
	first.Input, first.Output = json.RawMessage(`"i"`), json.RawMessage(`{"a":1}`)
	got := call.Evaluations
	if len(got) != 2 || got[0].ID == "" || got[0].ID == got[1].ID {
		t.Fatalf("evaluations %+v", got)
	}
	first.ID, base.ID = got[0].ID, got[1].ID
	if diff := cmp.Diff([]host.Evaluation{first, base}, got); diff != "" {
		t.Errorf("evaluations (-want +got):\n%s", diff)
	}
}

// A call that failed found nothing, whatever it stored before.
func TestFailedCallFindsNothing(t *testing.T) {
	t.Parallel()
	for name, g := range map[string]guest{
		"no verdict":        stores(new([]error), `nonsense`, `{"passed":true}`),
		"no such transform": stores(new([]error), `{"decision":"transform","transform":{"path":"$target.none","value":1}}`, `{"passed":true}`),
		"trap": func(ctx context.Context, call host.Call) (host.CallResult, error) {
			err := call.Services.Evaluations.Add(ctx, json.RawMessage(`{"passed":true}`))
			return host.CallResult{}, errors.Join(err, &host.CallError{Code: host.CallTrap})
		},
	} {
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": g}}, input("one").failOpen())
		call := emit(t, d, inputOf(`"hello"`)).Calls[0]
		if call.Outcome != host.OutcomeFailedOpen || call.Evaluations != nil {
			t.Errorf("%s: %s, evaluations %+v", name, call.Outcome, call.Evaluations)
		}
	}
}

// Every attempt of a background call gives its evaluations the same ids.
func TestDeliveredEvaluations(t *testing.T) {
	t.Parallel()
	var told []error
	g := &guests{exports: map[string]guest{"one": stores(&told, allow, `{"passed":true}`)}}
	d := newDispatcher(t, g, input("one").background())
	call, snapshot := queue(t, d)
	first := d.Deliver(t.Context(), call, snapshot, host.Services{})
	again := d.Deliver(t.Context(), first, snapshot, host.Services{})
	if diff := cmp.Diff(first.Evaluations, again.Evaluations); diff != "" || len(first.Evaluations) != 1 {
		t.Errorf("evaluations %+v (-first +again):\n%s", first.Evaluations, diff)
	}
	other, _ := queue(t, d)
	if got := d.Deliver(t.Context(), other, snapshot, host.Services{}); got.Evaluations[0].ID == first.Evaluations[0].ID {
		t.Error("another call gave the same id")
	}
	g.exports["one"] = fails(host.CallTrap)
	if failed := d.Deliver(t.Context(), again, snapshot, host.Services{}); failed.Evaluations != nil {
		t.Errorf("a call that failed found %+v", failed.Evaluations)
	}
}

func TestEvaluationsAreChecked(t *testing.T) {
	t.Parallel()
	padded := func(size int) string {
		const frame = `{"passed":true,"reason":""}`
		return strings.Replace(frame, `""`, `"`+strings.Repeat("x", size-len(frame))+`"`, 1)
	}
	many := make([]string, pluginapi.MaxEvaluations+1)
	for i := range many {
		many[i] = `{"passed":true}`
	}
	for name, tc := range map[string]struct {
		documents []string
		kept      int
		code      host.Code
		text      string
	}{
		"too many":   {many, 16, host.CodeTooLarge, "evaluate: a call may store 16 evaluations"},
		"largest":    {[]string{padded(64 << 10)}, 1, "", ""},
		"too large":  {[]string{padded(64<<10 + 1)}, 0, host.CodeTooLarge, "evaluate: an evaluation may have 65536 bytes, not 65537"},
		"unknown":    {[]string{`{"passed":true,"model":"m"}`}, 0, host.CodeInvalid, "evaluate: unknown member"},
		"no verdict": {[]string{`{"score":1}`}, 0, host.CodeInvalid, "evaluate: passed is missing"},
		"surrogate": {[]string{`{"passed":true,"reason":"\ud800"}`}, 0, host.CodeInvalid,
			"evaluate: must be valid Unicode, nested at most 64 levels deep"},
		"foreign judge": {[]string{`{"passed":true,"judge_run_id":"r"}`}, 0, host.CodeInvalid,
			"evaluate: judge_run_id is no run that this call had made"},
	} {
		var told []error
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": stores(&told, allow, tc.documents...)}}, input("one"))
		call := emit(t, d, inputOf(`"hello"`)).Calls[0]
		last := told[len(told)-1]
		if len(call.Evaluations) != tc.kept || host.CodeOf(last) != tc.code || last != nil && last.Error() != tc.text {
			t.Errorf("%s: kept %d, %v", name, len(call.Evaluations), last)
		}
	}
}

func TestJudgesAreRunsOfTheCall(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		runner runner
		kept   int
	}{
		"completed": {runner{ID: "judge-run", Status: host.RunCompleted, Model: "m", ModelProvider: "p"}, 1},
		"failed":    {runner{ID: "judge-run", Status: host.RunError, Model: "m", ModelProvider: "p"}, 1},
		"another":   {runner{ID: "other-run", Status: host.RunCompleted}, 0},
		"not run":   {runner{ID: "judge-run"}, 0},
	} {
		var told []error
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": judges("judge-run", &told)}}, input("one"))
		e := emission(d, inputOf(`"hello"`))
		e.Services.Runner = tc.runner
		result, err := d.Emit(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		got := result.Calls[0].Evaluations
		if len(got) != tc.kept {
			t.Errorf("%s: evaluations %+v, the guest was told %v", name, got, told)
			continue
		}
		for _, e := range got {
			if e.JudgeRunID != "judge-run" || e.Model != "m" || e.ModelProvider != "p" {
				t.Errorf("%s: %+v", name, e)
			}
		}
	}
}

// Runs are asked only what the contexts of their own hooks can hold.
func TestRunRequestsAreChecked(t *testing.T) {
	t.Parallel()
	for _, req := range []host.ComponentRequest{
		{Input: json.RawMessage(`"\ud800"`)},
		{Input: json.RawMessage(`"hi"`), OutputSchema: json.RawMessage(strings.Repeat("[", 65) + strings.Repeat("]", 65))},
	} {
		asks := func(ctx context.Context, call host.Call) (host.CallResult, error) {
			if _, err := call.Services.Runner.RunComponent(ctx, req); host.CodeOf(err) != host.CodeInvalid {
				t.Errorf("%s: %v", req.Input, err)
			}
			return host.CallResult{}, nil
		}
		d := newDispatcher(t, &guests{exports: map[string]guest{"one": asks}}, input("one"))
		e := emission(d, inputOf(`"hello"`))
		e.Services.Runner = runner{Status: host.RunCompleted}
		if _, err := d.Emit(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
}

// A call is made in the depth of its run; without a runner there is none for the
// guest either.
func TestDepthOfCalls(t *testing.T) {
	t.Parallel()
	g := &guests{exports: map[string]guest{"now": says(allow), "later": says(allow)}}
	d := newDispatcher(t, g, input("now"), input("later").background())
	c := inputOf(`"hello"`)
	c.Extensions.Snaphook.Run.Depth = 2
	c.Extensions.Snaphook.SessionState = json.RawMessage(`{"extensions":1}`)
	result := emit(t, d, c)
	snapshot, err := hook.Snapshot(&result.Context)
	if err != nil {
		t.Fatal(err)
	}
	call := d.Queued(result.Background[0], occasion(), "s", host.Lease{})
	if done := d.Deliver(t.Context(), call, snapshot, host.Services{}); done.Error != nil {
		t.Fatal(done.Error)
	}
	for i, call := range g.calls {
		if call.Depth != 2 || call.Services.Runner != nil || g.document(t, i).Extensions.Snaphook.Run.Depth != 2 {
			t.Errorf("%s: depth %d, runner %v", call.Export, call.Depth, call.Services.Runner)
		}
	}
}

func TestTryChecksTheDepth(t *testing.T) {
	t.Parallel()
	for depth, fine := range map[int]bool{-1: false, 0: true, 2: true, 3: false} {
		context := fmt.Sprintf(`{"input":{"content":"hi"},"extensions":{"snaphook":{"run":{"depth":%d}}}}`, depth)
		problems := trials.Check(trialOf(input("one"), context))
		if (problems == nil) != fine {
			t.Errorf("depth %d: problems %v", depth, problems)
		}
	}
}
