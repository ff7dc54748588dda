package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

const (
	secret = "536-22-8174"
	// told and masked are an input before and after pii-guard masked it.
	told   = "canary: my SSN is 536-22-8174"
	masked = "canary: my SSN is ***********"
)

// mustBeUnknown checks that a text is in no file of the database and in no log.
func mustBeUnknown(t testing.TB, s *site, p *process, text string) {
	t.Helper()
	if s.holds(t, text) {
		t.Errorf("the database holds %q", text)
	}
	if strings.Contains(p.output.String(), text) {
		t.Errorf("the log holds %q", text)
	}
}

func TestMaskedInputIsAllThatIsKept(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t, openaitest.Always(openaitest.Text("Noted.")))
	s := newSite(t, config{model: openai(model.BaseURL())})
	p := s.start(t)
	p.install(t, firstParty(t, "pii-guard"), firstParty(t, "request-log"))
	p.bind(t, "agent",
		binding{"plugin": "request-log", "hook": "request", "mode": "background"},
		binding{"plugin": "pii-guard", "timeout": "5s", "config": map[string]any{"mask": true}})

	plain := p.run(t, "agent", form{"message": told, "session_id": "s"}).must(t, "Noted.")
	if plain.Input.Content != masked {
		t.Errorf("the answer shows the input %q, want %q", plain.Input.Content, masked)
	}
	events := p.stream(t, "agent", form{"message": told, "session_id": "s"})
	if got := contents(events); got != "Noted." {
		t.Errorf("the stream says %q, want %q", got, "Noted.")
	}
	for _, req := range model.Requests() {
		if last := req.Messages[len(req.Messages)-1].Content; last != masked || strings.Contains(req.Body, secret) {
			t.Errorf("the model was asked %q, want %q: %s", last, masked, req.Body)
		}
	}
	streamed := run{AgentID: "agent", RunID: events[0].RunID, SessionID: "s"}
	for _, r := range []run{plain, streamed} {
		if got := p.read(t, r).Input.Content; got != masked {
			t.Errorf("the run read back shows the input %q, want %q", got, masked)
		}
		calls := p.settled(t, r.RunID)
		want := []string{"request-log.request background completed allowed", "pii-guard.check blocking completed transformed"}
		if diff := cmp.Diff(want, summaries(calls)); diff != "" {
			t.Errorf("hook calls (-want +got):\n%s", diff)
		}
		if !find(t, calls, "request-log.request").logged(masked) {
			t.Errorf("the background hook logged %v, want the masked input", calls[0].Logs)
		}
	}
	if !s.holds(t, masked) {
		t.Error("the masked input is not in the database: searching for the other one proves nothing")
	}
	mustBeUnknown(t, s, p, secret)
	p.stop(t)
	mustBeUnknown(t, s, p, secret)
}

func TestRefusedInputReachesNobody(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t, openaitest.Always(openaitest.Text("Fine.")))
	s := newSite(t, config{model: openai(model.BaseURL())})
	p := s.start(t)
	p.install(t, firstParty(t, "pii-guard"), firstParty(t, "request-log"))
	p.bind(t, "agent",
		binding{"plugin": "request-log", "mode": "background"},
		binding{"plugin": "pii-guard", "timeout": "5s"},
		binding{"plugin": "request-log", "hook": "request"},
		binding{"plugin": "request-log", "hook": "request", "mode": "background"})

	refused := p.run(t, "agent", form{"message": told, "session_id": "s"})
	checkRefusedInput(t, refused)
	if got := p.read(t, refused); got.Input.Content != "[refused: pii_detected]" || got.Status != "ERROR" {
		t.Errorf("the run read back is %s with the input %q", got.Status, got.Input.Content)
	}
	want := []string{
		"request-log.request background skipped run_refused",
		"pii-guard.check blocking completed denied pii_detected",
		"request-log.request blocking skipped earlier_deny",
		"request-log.request background skipped run_refused",
		"request-log.response background skipped run_refused",
	}
	if diff := cmp.Diff(want, summaries(p.hooks(t, refused.RunID))); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
	checkRefusedStream(t, p.stream(t, "agent", form{"message": told, "session_id": "s"}))
	if n := model.Calls(); n != 0 {
		t.Fatalf("the model was asked %d times", n)
	}

	p.run(t, "agent", form{"message": "hello", "session_id": "s"}).must(t, "Fine.")
	asked := model.Requests()[0]
	if len(asked.Messages) != 1 || asked.Messages[0].Content != "hello" {
		t.Errorf("the next turn was asked with %v, want nothing of the refused ones", asked.Messages)
	}
	mustBeUnknown(t, s, p, secret)
	p.stop(t)
	mustBeUnknown(t, s, p, secret)
}

func checkRefusedInput(t *testing.T, r run) {
	t.Helper()
	got := []string{r.Status, string(r.Content), r.ErrorType, r.ErrorID, r.AdditionalData.Plugin, r.AdditionalData.Hook, r.AdditionalData.Point}
	want := []string{"ERROR", "Potential PII detected in input", "input_check_error", "pii_detected", "pii-guard", "check", "input"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused run (-want +got):\n%s", diff)
	}
}

func checkRefusedStream(t *testing.T, events []event) {
	t.Helper()
	if got, want := names(events), []string{"RunStarted", "PreHookStarted", "RunError"}; !slices.Equal(got, want) {
		t.Fatalf("events %v, want %v", got, want)
	}
	last := events[2]
	got := []string{events[1].PreHook, last.text(), last.ErrorType, last.ErrorID}
	want := []string{"pii-guard.check", "Potential PII detected in input", "input_check_error", "pii_detected"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused stream (-want +got):\n%s", diff)
	}
}
