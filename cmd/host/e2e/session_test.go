package e2e

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// asked lists the contents of a request, as the model got them.
func asked(req openaitest.Request) []string {
	var all []string
	for _, m := range req.Messages {
		all = append(all, m.Role+": "+m.Content)
	}
	return all
}

// TestHistoryIsThreeRuns: the model is given the last three completed runs of
// the session; refused ones and those of other sessions do not count.
func TestHistoryIsThreeRuns(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t, func(n int, _ openaitest.Request) openaitest.Answer {
		return openaitest.Text(fmt.Sprintf("answer %d", n+1))
	})
	p := newSite(t, config{
		model:  openai(model.BaseURL()),
		agents: []string{`{id: agent, model: default, instructions: Be short.}`},
	}).start(t)
	p.install(t, newPlugin(t, "guard", "", hook{
		name: "no", point: "input", fields: []string{"guardrail: true"}, does: guesttest.Answers(deny),
	}))
	for n := range 4 {
		p.run(t, "agent", form{"message": fmt.Sprintf("question %d", n+1), "session_id": "s"}).must(t, fmt.Sprintf("answer %d", n+1))
	}
	p.bind(t, "agent", binding{"plugin": "guard"})
	if got := p.run(t, "agent", form{"message": "refused", "session_id": "s"}); got.Status != "ERROR" {
		t.Fatalf("the refused run is %s", got.Status)
	}
	p.bind(t, "agent")
	p.run(t, "agent", form{"message": "elsewhere", "session_id": "other"})
	p.run(t, "agent", form{"message": "question 5", "session_id": "s"})
	want := []string{
		"system: Be short.",
		"user: question 2", "assistant: answer 2",
		"user: question 3", "assistant: answer 3",
		"user: question 4", "assistant: answer 4",
		"user: question 5",
	}
	requests := model.Requests()
	if diff := cmp.Diff(want, asked(requests[len(requests)-1])); diff != "" {
		t.Errorf("the model was asked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"system: Be short.", "user: elsewhere"}, asked(requests[4])); diff != "" {
		t.Errorf("the model was asked in the other session (-want +got):\n%s", diff)
	}
}

// TestRunsOfASessionWaitForEachOther: first in, first out; other sessions go on.
func TestRunsOfASessionWaitForEachOther(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	model := openaitest.New(t, func(n int, req openaitest.Request) openaitest.Answer {
		answer := openaitest.Text("to " + req.Messages[len(req.Messages)-1].Content)
		if n == 0 {
			answer.Hold = hold
		}
		return answer
	})
	p := newSite(t, config{model: openai(model.BaseURL())}).start(t)
	begin := func(id string) <-chan reply {
		return p.begin(t, "agent", form{"message": id, "session_id": "s", "run_id": id})
	}
	is := func(id, status string) {
		p.awaitStatus(t, run{AgentID: "agent", RunID: id, SessionID: "s"}, status)
	}
	first := begin("one")
	is("one", "RUNNING")
	eventually(t, "the model is asked", func() bool { return model.Calls() == 1 })
	second := begin("two")
	is("two", "PENDING")
	third := begin("three")
	is("three", "PENDING")

	p.run(t, "agent", form{"message": "elsewhere", "session_id": "other"}).must(t, "to elsewhere")
	if n := model.Calls(); n != 2 {
		t.Errorf("the model was asked %d times while the first run goes on, want 2", n)
	}
	close(hold)
	answered(t, first).must(t, "to one")
	answered(t, second).must(t, "to two")
	answered(t, third).must(t, "to three")
	want := []string{"user: one", "assistant: to one", "user: two", "assistant: to two", "user: three"}
	requests := model.Requests()
	if diff := cmp.Diff(want, asked(requests[len(requests)-1])); diff != "" {
		t.Errorf("the third run was asked with (-want +got):\n%s", diff)
	}
}

// TestSessionState: what a request gives is kept for the session.
func TestSessionState(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	p.run(t, "agent", form{"message": "a", "session_id": "s", "session_state": `{"a":1,"b":1}`})
	second := p.run(t, "agent", form{"message": "b", "session_id": "s", "session_state": `{"b":2}`, "metadata": `{"m":"x"}`})
	if got := string(second.SessionState); got != `{"a":1,"b":2}` {
		t.Errorf("the state is %s, want both members with the newer b", got)
	}
	if got := string(p.read(t, second).Metadata); got != `{"m":"x"}` {
		t.Errorf("the metadata is %s", got)
	}
	if chosen := p.run(t, "agent", form{"message": "c"}); chosen.SessionID == "" || chosen.SessionID == "s" {
		t.Errorf("a run without a session got the session %q", chosen.SessionID)
	}
}
