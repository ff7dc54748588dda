package httpapi

import (
	"net/http"
	"strings"
	"testing"
)

// TestSessionsOfComponents: a session is made, listed, named and shown in the shape
// of its type.
func TestSessionsOfComponents(t *testing.T) {
	t.Parallel()
	const times = `"created_at":"2026-11-20T09:30:00Z","updated_at":"2026-11-20T09:30:00Z"`
	for kind, tc := range map[string]struct{ id, created, named, item string }{
		"team": {
			id: "team",
			created: `{"session_id":"s","session_name":"first","user_id":"u","team_id":"team","session_state":{"x":1},"metrics":{},` +
				`"chat_history":[],` + times + `}`,
			named: `{"session_id":"s","session_name":"second","user_id":"u","team_id":"team","session_summary":null,` +
				`"session_state":{"x":1},"metrics":{},"team_data":null,"metadata":null,"chat_history":[],` + times + `,"total_tokens":null}`,
			item: `"session_type":"team","user_id":"u","team_id":"team"}]`,
		},
		"workflow": {
			id: "flow",
			created: `{"user_id":"u","workflow_id":"flow","workflow_name":"Flow","session_id":"s","session_name":"first",` +
				`"session_data":{"session_state":{"x":1},"session_metrics":{}},"session_state":{"x":1},"metadata":{},` + times + `}`,
			named: `{"user_id":"u","workflow_id":"flow","workflow_name":"Flow","session_id":"s","session_name":"second",` +
				`"session_data":{"session_state":{"x":1},"session_metrics":{}},"session_state":{"x":1},"workflow_data":null,` +
				`"metadata":{},` + times + `}`,
			item: `"session_type":"workflow","user_id":"u","workflow_id":"flow"}]`,
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newConversations(t)
			c.engine.withOthers()
			body := `{"session_id":"s","session_name":"first","session_state":{"x":1},"user_id":"u","agent_id":null,"` + kind + `_id":"` + tc.id + `"}`
			for _, step := range []struct {
				method, target, body string
				status               int
				want                 string
			}{
				{"POST", "/sessions?type=" + kind, body, http.StatusCreated, tc.created},
				{"GET", "/sessions/s?type=" + kind, "", http.StatusOK, tc.created},
				{"POST", "/sessions/s/rename?type=" + kind, `{"session_name":"second"}`, http.StatusOK, tc.named},
			} {
				if status, got := c.send(t, step.method, step.target, step.body); status != step.status || got != step.want {
					t.Errorf("%s %s: answer %d %s, want %s", step.method, step.target, status, got, step.want)
				}
			}
			if got := c.get(t, "/sessions?type="+kind+"&component_id="+tc.id).Body.String(); !strings.Contains(got, tc.item) {
				t.Errorf("list %s, want %s", got, tc.item)
			}
			wantDetail(t, c.get(t, "/sessions/s?type=agent"), http.StatusNotFound, "Agent Session with id 's' not found")
			wantDetail(t, c.get(t, "/sessions/s/runs"), http.StatusNotFound, "Session with ID s has no runs")
		})
	}
}
