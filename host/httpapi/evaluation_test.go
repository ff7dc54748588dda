package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// judged stores a run with n evaluations, e-1 first, of which the even ones have a
// score and have passed.
func (c *conversations) judged(t *testing.T, n int) {
	t.Helper()
	call := host.HookCall{
		ID: "call-1", RunID: "run-1", SessionID: "s", Component: completedRun().Component, Plugin: "judge", Hook: "judge",
		Point: pluginapi.PointOutput, Mode: pluginapi.ModeBlocking, Status: host.HookCallCompleted,
		Outcome: host.OutcomeAllowed, CreatedAt: at,
	}
	for i := 1; i <= n; i++ {
		e := host.Evaluation{
			ID: fmt.Sprint("e-", i), HookCallID: call.ID, RunID: call.RunID, SessionID: call.SessionID,
			Component: call.Component, Plugin: "judge", Hook: "judge", Criteria: "is polite",
			Input: host.TextContent("hi"), Output: json.RawMessage(`{"a": 1}`), Reason: "because",
			JudgeRunID: "run-9", Model: "fake-1", ModelProvider: "Fake",
			CreatedAt: at.Add(time.Duration(i) * time.Second), UpdatedAt: at.Add(time.Duration(i) * time.Second),
		}
		if i%2 == 0 {
			score, threshold := float64(i), 7.5
			e.Name, e.Passed, e.Score, e.Threshold = "tone", true, &score, &threshold
		}
		call.Evaluations = append(call.Evaluations, e)
	}
	c.end(t, aRun(1, "s"), call)
}

func TestEvaluation(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	c.judged(t, 2)
	const tail = `,"run_id":"run-1","session_id":"s","hook_call_id":"call-1","judge_run_id":"run-9"}`
	wantAnswer(t, c.get(t, "/eval-runs/e-1"), http.StatusOK, `{"id":"e-1","agent_id":"plain-agent","model_id":"fake-1",`+
		`"model_provider":"Fake","team_id":null,"workflow_id":null,"name":null,"evaluated_component_name":"Plain",`+
		`"eval_type":"agent_as_judge","eval_data":{"results":[{"criteria":"is polite","input":"hi","output":{"a":1},`+
		`"score":null,"passed":false,"reason":"because"}],"score":null,"passed":false,"reason":"because","threshold":null,`+
		`"pass_rate":0},"eval_input":{"criteria":"is polite","scoring_strategy":"binary","threshold":null},`+
		`"created_at":"2026-11-20T09:30:01Z","updated_at":"2026-11-20T09:30:01Z"`+tail)
	body := c.get(t, "/eval-runs/e-2?db_id=snaphook&table=evaluations").Body.String()
	for _, want := range []string{
		`"name":"tone"`, `"score":2,"passed":true`, `"threshold":7.5,"pass_rate":100}`, `"scoring_strategy":"numeric","threshold":7.5}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("evaluation %s, want %s", body, want)
		}
	}
	renamed := c.ask(t, http.MethodPatch, "/eval-runs/e-2", "application/json", `{"name":"manners"}`).Body.String()
	if !strings.Contains(renamed, `"name":"manners"`) || !strings.Contains(renamed, `"updated_at":"2026-11-20T09:30:00Z"`) {
		t.Errorf("renamed %s", renamed)
	}
	for range 2 { // what is gone is deleted already
		wantAnswer(t, c.ask(t, http.MethodDelete, "/eval-runs", "application/json", `{"eval_run_ids":["e-2","nope"]}`),
			http.StatusNoContent, "")
	}
	wantDetail(t, c.get(t, "/eval-runs/e-2"), http.StatusNotFound, "Eval run with id 'e-2' not found")
	wantDetail(t, c.ask(t, http.MethodPatch, "/eval-runs/e-2", "application/json", `{"name":"x"}`),
		http.StatusNotFound, "Eval run with id 'e-2' not found")
}

func TestEvaluations(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	c.judged(t, 5)
	for query, want := range map[string]string{
		"":                         "e-5 e-4 e-3 e-2 e-1 of 5",
		"?sort_order=asc&limit=2":  "e-1 e-2 of 5",
		"?limit=2&page=3":          "e-1 of 5",
		"?limit=2&page=9":          " of 5",
		"?agent_id=plain-agent":    "e-5 e-4 e-3 e-2 e-1 of 5",
		"?agent_id=other":          " of 0",
		"?team_id=plain-agent":     " of 0",
		"?workflow_id=plain-agent": " of 0",
		"?type=agent&model_id=fake-1&sort_by=created_at": "e-5 e-4 e-3 e-2 e-1 of 5",
		"?type=team":                             " of 0",
		"?type=team&agent_id=plain-agent":        " of 0",
		"?team_id=t&agent_id=plain-agent":        " of 0",
		"?model_id=nope":                         " of 0",
		"?run_id=run-1&agent_id=plain-agent":     "e-5 e-4 e-3 e-2 e-1 of 5",
		"?run_id=run-2":                          " of 0",
		"?eval_types=accuracy,%20agent_as_judge": "e-5 e-4 e-3 e-2 e-1 of 5",
		"?eval_types=accuracy":                   " of 0",
		"?db_id=snaphook&eval_types=&agent_id=":  "e-5 e-4 e-3 e-2 e-1 of 5",
	} {
		var page struct {
			Data []struct{ ID string }
			Meta struct {
				TotalCount int `json:"total_count"`
			}
		}
		w := c.get(t, "/eval-runs"+query)
		must(t, json.Unmarshal(w.Body.Bytes(), &page))
		ids := make([]string, len(page.Data))
		for i := range page.Data {
			ids[i] = page.Data[i].ID
		}
		if diff := cmp.Diff(want, fmt.Sprint(strings.Join(ids, " "), " of ", page.Meta.TotalCount)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	wantAnswer(t, newConversations(t).get(t, "/eval-runs"), http.StatusOK,
		`{"data":[],"meta":{"page":1,"limit":20,"total_pages":0,"total_count":0,"search_time_ms":0}}`)
}

func TestEvaluationFields(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ method, target, body, want string }{
		{"GET", "/eval-runs?type=zzz", "", `"loc":["query","type"],"msg":"Input should be 'agent', 'team' or 'workflow'"`},
		{"GET", "/eval-runs?sort_by=name", "", `"loc":["query","sort_by"],"msg":"Input should be 'created_at'"`},
		{"GET", "/eval-runs?eval_types=agent_as_judge,zzz", "", `"loc":["query","eval_types"],"msg":"Input should be 'accuracy', `},
		{"GET", "/eval-runs?limit=0", "", `"loc":["query","limit"]`},
		{"PATCH", "/eval-runs/e", `{}`, `"loc":["body","name"],"msg":"Field required"`},
		{"PATCH", "/eval-runs/e", `{"name":""}`, `"loc":["body","name"],"msg":"Input should have at least 1 byte"`},
		{"PATCH", "/eval-runs/e", `{"name":"` + strings.Repeat("x", 257) + `"}`, `"msg":"Input should have at most 256 bytes"`},
		{"PATCH", "/eval-runs/e", `{"name":"a\u0000"}`, `"msg":"Input should have no zero bytes"`},
		{"PATCH", "/eval-runs/e", `{"title":"x"}`, `"path":"title","message":"is unknown; known are name"`},
		{"DELETE", "/eval-runs", `{}`, `"loc":["body","eval_run_ids"],"msg":"List should have at least 1 item"`},
	} {
		c := newConversations(t)
		w := c.ask(t, tc.method, tc.target, "application/json", tc.body)
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s %s: answer %d %s, want %s", tc.method, tc.target, w.Code, w.Body, tc.want)
		}
	}
	c := newConversations(t)
	for _, method := range []string{"GET", "PATCH"} {
		wantDetail(t, c.ask(t, method, "/eval-runs/e?db_id=nope", "application/json", "{}"), 404, "No database found with id 'nope'")
	}
	wantDetail(t, c.get(t, "/eval-runs?db_id=snaphook&table=sessions"), 404, "No database with id 'snaphook' has table 'sessions'")
}
