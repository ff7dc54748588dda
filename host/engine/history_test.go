package engine_test

import (
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

// TestRequestChoosesHistory: what a request says of its history wins over the
// agent.
func TestRequestChoosesHistory(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, onRequest := range []bool{false, true} {
		f := newFixture(t)
		f.agent.HistoryOnRequest = onRequest
		for i, test := range []struct {
			add  *bool
			want bool
		}{{nil, !onRequest}, {&yes, true}, {&no, false}} {
			f.run(t, asks("before"))
			req := asks("now")
			req.AddHistory = test.add
			f.run(t, req)
			sent := f.model.requests[2*i+1].Messages
			if got := len(sent) > 2; got != test.want {
				t.Errorf("on request %t, request %d: the model saw %d messages, history wanted: %t", onRequest, i, len(sent), test.want)
			}
		}
	}
}

// TestSessionTitle: the first message that may be stored names the session.
func TestSessionTitle(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := strings.Repeat("é", 200)
	for _, test := range []struct{ session, message, want string }{
		{"short", "What is the weather?", "What is the weather?"},
		{"short", "And tomorrow?", "What is the weather?"},
		{"long", long, strings.Repeat("é", 126) + "…"},
	} {
		req := asks(test.message)
		req.SessionID = test.session
		f.run(t, req)
		session, err := f.store.Session(t.Context(), test.session)
		if err != nil || session.Title != test.want || session.Label() != test.want {
			t.Errorf("title %q, label %q, error %v, want %q", session.Title, session.Label(), err, test.want)
		}
	}
	structured := asks("")
	structured.SessionID, structured.Input = "structured", []byte(`{"city":"Paris"}`)
	f.run(t, structured)
	if session, err := f.store.Session(t.Context(), "structured"); err != nil || session.Title != `{"city":"Paris"}` {
		t.Errorf("title %q, error %v", session.Title, err)
	}
	if _, err := f.store.Session(t.Context(), "none"); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("error %v", err)
	}
}
