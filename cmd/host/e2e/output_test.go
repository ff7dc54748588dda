package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

func TestRefusedOutputIsNowhere(t *testing.T) {
	t.Parallel()
	const classified = "classified4711"
	model := openaitest.New(t, openaitest.Always(openaitest.Text("It is "+classified+", you know.")))
	s := newSite(t, config{model: openai(model.BaseURL())})
	p := s.start(t)
	p.install(t, newPlugin(t, "censor", "", hook{
		name: "check", point: "output", fields: []string{"guardrail: true"}, does: guesttest.Answers(deny),
	}), firstParty(t, "request-log"))
	p.bind(t, "agent", binding{"plugin": "request-log", "mode": "background"}, binding{"plugin": "censor"})

	reply := p.ask(t, "agent", form{"message": "tell me", "session_id": "s"}).want(t, 200)
	var refused run
	reply.into(t, &refused)
	got := []string{refused.Status, string(refused.Content), refused.ErrorType, refused.ErrorID, refused.AdditionalData.Point}
	if diff := cmp.Diff([]string{"ERROR", "Not today.", "output_check_error", "not_today", "output"}, got); diff != "" {
		t.Errorf("refused run (-want +got):\n%s", diff)
	}
	events := p.stream(t, "agent", form{"message": "tell me", "session_id": "s"})
	want := []string{"RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "PostHookStarted", "RunError"}
	if diff := cmp.Diff(want, names(events)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	shown := [][]byte{reply.body, p.get(t, refused.path()).body, p.get(t, "/runs/"+refused.RunID+"/hooks").body}
	for _, e := range events {
		shown = append(shown, []byte(e.raw))
	}
	for _, text := range shown {
		if strings.Contains(string(text), classified) {
			t.Errorf("the refused output is in %s", text)
		}
	}
	if got := p.read(t, refused).Input.Content; got != "tell me" {
		t.Errorf("the run shows the input %q, want %q: the hooks permitted it", got, "tell me")
	}
	calls := []string{
		"request-log.request background skipped run_refused",
		"request-log.response background skipped run_refused",
		"censor.check blocking completed denied not_today",
	}
	if diff := cmp.Diff(calls, summaries(p.hooks(t, refused.RunID))); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
	if asked := model.Requests(); len(asked) != 2 || strings.Contains(asked[1].Body, classified) {
		t.Errorf("the next turn got what was refused: %v", asked)
	}
	if !s.holds(t, "Not today.") {
		t.Error("the refusal is not in the database: searching for the output proves nothing")
	}
	mustBeUnknown(t, s, p, classified)
	p.stop(t)
	mustBeUnknown(t, s, p, classified)
}

// TestRewrittenOutput: what an output hook wrote is the answer, everywhere.
func TestRewrittenOutput(t *testing.T) {
	t.Parallel()
	const classified = "classified4712"
	model := openaitest.New(t, openaitest.Always(openaitest.Text(classified)))
	s := newSite(t, config{model: openai(model.BaseURL())})
	p := s.start(t)
	p.install(t, newPlugin(t, "editor", "",
		hook{name: "edit", point: "output", does: guesttest.Answers(rewrite("Better."))}))
	p.bind(t, "agent", binding{"plugin": "editor"})

	done := p.run(t, "agent", form{"message": "one", "session_id": "s"}).must(t, "Better.")
	p.read(t, done).must(t, "Better.")
	events := p.stream(t, "agent", form{"message": "two", "session_id": "s"})
	if got := contents(events); got != "Better." {
		t.Errorf("the stream says %q, want %q", got, "Better.")
	}
	var history []string
	for _, m := range model.Requests()[1].Messages {
		history = append(history, m.Content)
	}
	if diff := cmp.Diff([]string{"one", "Better.", "two"}, history); diff != "" {
		t.Errorf("the second turn was asked with (-want +got):\n%s", diff)
	}
	mustBeUnknown(t, s, p, classified)
}

// TestOutputIsHeldBack: with a blocking output hook nothing of the content
// leaves before the verdict; then it is one frame.
func TestOutputIsHeldBack(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	model := openaitest.New(t, openaitest.Always(openaitest.Answer{Deltas: []string{"One ", "two ", "three."}, Hold: hold}))
	p := newSite(t, config{model: openai(model.BaseURL())}).start(t)
	p.install(t, newPlugin(t, "reader", "",
		hook{name: "read", point: "output", does: guesttest.Answers(allow)}))
	p.bind(t, "agent", binding{"plugin": "reader"})

	s := p.mustStream(t, "agent", form{"message": "count"})
	events := s.until(t, "ModelRequestStarted")
	close(hold)
	events = append(events, s.rest(t)...)
	want := []string{
		"RunStarted", "ModelRequestStarted", "ModelRequestCompleted",
		"PostHookStarted", "PostHookCompleted", "RunContent", "RunContentCompleted", "RunCompleted",
	}
	if diff := cmp.Diff(want, names(events)); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	for _, i := range []int{5, 7} {
		if got := events[i].text(); got != "One two three." {
			t.Errorf("%s says %q, want all of the content", events[i].Name, got)
		}
	}
}

// TestOutputStreams: a background output hook holds nothing back. The first
// frame arrives while the model has not finished.
func TestOutputStreams(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	model := openaitest.New(t, openaitest.Always(openaitest.Answer{
		Deltas: []string{"One ", "two ", "three."}, Hold: hold, PromptTokens: 5, CompletionTokens: 3,
	}))
	p := newSite(t, config{model: openai(model.BaseURL())}).start(t)
	p.install(t, firstParty(t, "analytics"))
	p.bind(t, "agent", binding{"plugin": "analytics", "mode": "background"})

	s := p.mustStream(t, "agent", form{"message": "count"})
	events := s.until(t, "RunContent")
	if got := contents(events); got != "One " {
		t.Errorf("the first frame says %q, want %q", got, "One ")
	}
	close(hold)
	events = append(events, s.rest(t)...)
	want := []string{
		"RunStarted", "ModelRequestStarted", "RunContent", "RunContent", "RunContent",
		"ModelRequestCompleted", "RunContentCompleted", "RunCompleted",
	}
	if diff := cmp.Diff(want, names(events)); diff != "" {
		t.Fatalf("events (-want +got):\n%s", diff)
	}
	last := events[len(events)-1]
	if got := contents(events); got != "One two three." || last.text() != got || last.Metrics.TotalTokens != 8 {
		t.Errorf("the frames say %q and the end %q with %d tokens", got, last.text(), last.Metrics.TotalTokens)
	}
	call := p.settled(t, last.RunID)[0]
	if call.Status != "completed" || !call.logged("total_tokens=8") {
		t.Errorf("analytics is %s and logged %v", call.summary(), call.Logs)
	}
}
