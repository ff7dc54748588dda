package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// conversation is a session as the API shows it.
type conversation struct {
	SessionID   string `json:"session_id"`
	Name        string `json:"session_name"`
	TotalTokens int    `json:"total_tokens"`
	Chat        []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"chat_history"`
}

// said lists what was said in a session.
func (c conversation) said() []string {
	var all []string
	for _, m := range c.Chat {
		all = append(all, m.Role+": "+m.Content)
	}
	return all
}

// TestSessionLife: as a chat client goes about it, from the first message to the
// deletion, across a restart.
func TestSessionLife(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	model := openaitest.New(t, func(n int, req openaitest.Request) openaitest.Answer {
		answer := openaitest.Text("to " + req.Messages[len(req.Messages)-1].Content)
		if n == 0 {
			answer.Hold = hold
		}
		return answer
	})
	s := newSite(t, config{model: openai(model.BaseURL())})
	p := s.start(t)

	// While the first run goes on there is nothing to show.
	stream := p.mustStream(t, "agent", form{"message": "one", "session_id": "s", "user_id": "u"})
	stream.until(t, "RunStarted")
	for _, path := range []string{"/sessions/s", "/sessions/s/runs?type=agent&db_id=snaphook", "/agents/agent/runs?session_id=s"} {
		p.get(t, path).want(t, 404)
	}
	p.do(t, http.MethodDelete, "/sessions/s", "", nil).want(t, 409).says(t, "has not ended")
	close(hold)
	stream.rest(t)
	p.run(t, "agent", form{"message": "two", "session_id": "s", "user_id": "u"}).must(t, "to two")
	p.run(t, "agent", form{"message": "elsewhere", "session_id": "other"}).must(t, "to elsewhere")

	p.stop(t)
	p = s.start(t)
	var list struct{ Data []conversation }
	p.get(t, "/sessions?type=agent&component_id=agent&db_id=snaphook&user_id=u").want(t, 200).into(t, &list)
	if len(list.Data) != 1 || list.Data[0].SessionID != "s" || list.Data[0].Name != "one" || list.Data[0].TotalTokens == 0 {
		t.Errorf("the sessions are %+v", list.Data)
	}
	p.sendJSON(t, http.MethodPost, "/sessions/s/rename", map[string]string{"session_name": "renamed"}).want(t, 200)
	p.sendJSON(t, http.MethodPatch, "/sessions/s", map[string]any{"session_state": map[string]int{"a": 1}}).want(t, 200)
	if got := p.run(t, "agent", form{"message": "three", "session_id": "s", "session_state": `{"b":2}`}); string(got.SessionState) != `{"a":1,"b":2}` {
		t.Errorf("the state is %s", got.SessionState)
	}
	var one conversation
	p.get(t, "/sessions/s").want(t, 200).into(t, &one)
	want := []string{
		"user: one", "assistant: to one", "user: two", "assistant: to two", "user: three", "assistant: to three",
	}
	if diff := cmp.Diff(want, one.said()); diff != "" || one.Name != "renamed" {
		t.Errorf("session %q, said (-want +got):\n%s", one.Name, diff)
	}

	p.do(t, http.MethodDelete, "/sessions/s?db_id=snaphook", "application/json", nil).want(t, 204)
	for _, path := range []string{"/sessions/s", "/sessions/s/runs", "/agents/agent/runs?session_id=s"} {
		p.get(t, path).want(t, 404)
	}
	p.get(t, "/sessions/other/runs").want(t, 200).says(t, "to elsewhere")
}

// TestDeletedSessionLeavesTheDisk: what was said cannot be found in any file of
// the database, nor what its hooks kept of it.
func TestDeletedSessionLeavesTheDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{})
	p := s.start(t)
	p.install(t, newPlugin(t, "broken", "", hook{
		name: "fails", point: "output", fields: []string{"mode: background", "retry: {max_attempts: 5, initial: 1h, max: 1h}"},
		does: guesttest.Answers("no verdict"),
	}))
	p.bind(t, "agent", binding{"plugin": "broken"})
	done := p.run(t, "agent", form{"message": "needle-in-the-session", "session_id": "s"})
	eventually(t, "the call waits for another attempt", func() bool {
		calls := p.hooks(t, done.RunID)
		return len(calls) == 1 && calls[0].Status == "queued" && calls[0].Attempt == 2
	})
	if !s.holds(t, "needle-in-the-session") {
		t.Fatal("the text is not in the database, so that this test proves nothing")
	}
	p.do(t, http.MethodDelete, "/sessions/s", "", nil).want(t, 409).says(t, "background hook call", "force=true")
	p.do(t, http.MethodDelete, "/sessions/s?force=true", "", nil).want(t, 204)
	p.get(t, "/runs/"+done.RunID+"/hooks").want(t, 404)
	p.stop(t)
	if s.holds(t, "needle-in-the-session") {
		t.Error("the text is still in the database")
	}
}

// TestHistoryIsChosenByTheRequest: the form field wins over the configuration.
func TestHistoryIsChosenByTheRequest(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t, func(int, openaitest.Request) openaitest.Answer { return openaitest.Text("fine") })
	p := newSite(t, config{
		model: openai(model.BaseURL()),
		agents: []string{
			"{id: agent, model: default, num_history_runs: 1}",
			"{id: forgetful, model: default, add_history_to_context: false, num_history_runs: 2}",
		},
	}).start(t)
	for i, test := range []struct {
		agent, field string
		want         int
	}{
		{"agent", "", 0}, {"agent", "", 1}, {"agent", "true", 1}, {"agent", "no", 0},
		{"forgetful", "", 0}, {"forgetful", "false", 0}, {"forgetful", "1", 2},
	} {
		f := form{"message": "hello", "session_id": test.agent}
		if test.field != "" {
			f["add_history_to_context"] = test.field
		}
		p.run(t, test.agent, f).must(t, "fine")
		if got := strings.Count(strings.Join(asked(model.Requests()[i]), "\n"), "assistant: "); got != test.want {
			t.Errorf("%s with %q: the model was given %d earlier answers, want %d", test.agent, test.field, got, test.want)
		}
	}
}
