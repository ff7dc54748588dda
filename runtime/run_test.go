package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// runner is a host.Runner.
type runner func(ctx context.Context, req host.ComponentRequest) (host.Run, error)

func (r runner) RunComponent(ctx context.Context, req host.ComponentRequest) (host.Run, error) {
	return r(ctx, req)
}

// evaluations is a host.Evaluations that remembers what came last.
type evaluations struct {
	last string
	err  error
}

func (e *evaluations) Add(_ context.Context, evaluation json.RawMessage) error {
	e.last = string(evaluation)
	return e.err
}

func TestGuestRunsComponents(t *testing.T) {
	t.Parallel()
	var asked host.ComponentRequest
	ends := func(run host.Run) host.Services {
		return host.Services{Runner: runner(func(_ context.Context, req host.ComponentRequest) (host.Run, error) {
			asked = req
			return run, nil
		})}
	}
	got := ask(t, ends(host.Run{
		ID: "r", SessionID: "s", Status: host.RunCompleted, Content: json.RawMessage(`{"passed":true}`), ContentType: "dict",
		Model: "m", ModelProvider: "p",
	}), "run", `{"component":"team:judges","input":"hello","output_schema":{"type":"object"}}`)
	if want := `={"run_id":"r","session_id":"s","status":"COMPLETED","content":{"passed":true},"content_type":"dict","model":"m","model_provider":"p"}`; got != want {
		t.Errorf("the guest was told %s, want %s", got, want)
	}
	want := host.ComponentRequest{
		Component: host.BindingScope{Kind: host.KindTeam, ID: "judges"},
		Input:     json.RawMessage(`"hello"`), OutputSchema: json.RawMessage(`{"type":"object"}`),
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	got = ask(t, ends(host.Run{
		ID: "r", SessionID: "s", Status: host.RunError, Content: json.RawMessage(`"No."`),
		Failure: &host.Failure{Type: host.FailureInputCheck, ID: "no", Message: "No.", Data: json.RawMessage(`{}`), Refused: true},
	}), "run", `{"component":"judge","input":{"a":1}}`)
	if want := `={"run_id":"r","session_id":"s","status":"ERROR","content":"No.",` +
		`"error":{"type":"input_check_error","id":"no","message":"No."}}`; got != want || asked.Component.Kind != host.KindAgent {
		t.Errorf("the guest was told %s, want %s", got, want)
	}
}

func TestGuestIsToldWhyNothingRan(t *testing.T) {
	t.Parallel()
	fails := func(err error) host.Services {
		return host.Services{Runner: runner(func(context.Context, host.ComponentRequest) (host.Run, error) { return host.Run{}, err })}
	}
	const good = `{"component":"j","input":"x"}`
	for name, tc := range map[string]struct {
		services host.Services
		request  string
		want     string
	}{
		"not granted": {host.Services{}, good, "!not_granted: run: the permission is not granted"},
		"foreign":     {fails(host.ErrNotGranted), good, "!not_granted: the permission is not granted"},
		"too deep":    {fails(host.Errorf(host.CodeConflict, "too deep")), good, "!conflict: too deep"},
		"fault":       {fails(errors.New("disk is full")), good, "!internal: the host could not do it"},
		"no request":  {fails(nil), "", "!invalid: run: not JSON"},
		"no input":    {fails(nil), `{"component":"j"}`, "!invalid: run: input must be a string or an object"},
		"no kind": {fails(nil), `{"component":"job:j","input":"x"}`,
			"!invalid: run: component must be [agent:|team:|workflow:]id, the id letters, digits, - and _"},
	} {
		if got := ask(t, tc.services, "run", tc.request); got != tc.want {
			t.Errorf("%s: the guest was told %q, want %q", name, got, tc.want)
		}
	}
}

// The deadline of a call goes on while its run does, and ends the run.
func TestDeadlineEndsTheRun(t *testing.T) {
	t.Parallel()
	m := loadHook(t, guesttest.Asks("run", `{"component":"j","input":"x"}`))
	var ended error
	waits := runner(func(ctx context.Context, _ host.ComponentRequest) (host.Run, error) {
		<-ctx.Done()
		ended = ctx.Err()
		return host.Run{}, ended
	})
	call := runtime.Call{Export: "hook", Timeout: 50 * time.Millisecond, Services: host.Services{Runner: waits}}
	_, err := m.Call(t.Context(), call)
	wantCode(t, err, host.CallTimeout)
	if !errors.Is(ended, context.DeadlineExceeded) {
		t.Errorf("the run ended with %v", ended)
	}
	ctx, cancel := context.WithCancel(t.Context())
	call.Timeout, call.Services.Runner = plenty, runner(func(ctx context.Context, _ host.ComponentRequest) (host.Run, error) {
		cancel()
		<-ctx.Done()
		return host.Run{}, ctx.Err()
	})
	_, err = m.Call(ctx, call)
	wantCode(t, err, host.CallCancelled)
}

func TestGuestStoresEvaluations(t *testing.T) {
	t.Parallel()
	taken := &evaluations{}
	if got := ask(t, host.Services{Evaluations: taken}, "evaluate", `{"passed":true}`); got != "" || taken.last != `{"passed":true}` {
		t.Errorf("the guest was told %q and stored %s", got, taken.last)
	}
	taken.err = host.Errorf(host.CodeTooLarge, "too many")
	if got := ask(t, host.Services{Evaluations: taken}, "evaluate", `{}`); got != "!too_large: too many" {
		t.Errorf("the guest was told %q", got)
	}
	if got := ask(t, host.Services{}, "evaluate", `{}`); got != "!not_granted: evaluate: the permission is not granted" {
		t.Errorf("the guest was told %q", got)
	}
}
