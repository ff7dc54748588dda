package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// The store is what keeps sessions in the program.
var _ Sessions = (*sqlite.Store)(nil)

// conversations is an API over a real store.
type conversations struct {
	fixture
	store *sqlite.Store
}

func newConversations(t *testing.T) *conversations {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "test.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return &conversations{fixture: fixture{config: Config{Runs: store, Sessions: store}}, store: store}
}

// begin stores a run that goes on.
func (c *conversations) begin(t *testing.T, run host.Run) {
	t.Helper()
	run.Status = host.RunRunning
	if err := c.store.CreateRun(t.Context(), host.NewRun{Run: run, Lease: host.Lease{Owner: "node", Until: at}, Wait: true}); err != nil {
		t.Fatal(err)
	}
}

// end stores a run as it ended, with its session, the way the engine does.
func (c *conversations) end(t *testing.T, run host.Run, calls ...host.HookCall) {
	t.Helper()
	c.begin(t, run)
	session := host.Session{
		ID: run.SessionID, Component: run.Component, UserID: run.UserID, Title: host.SessionTitle(run.Input),
		State: run.SessionState, CreatedAt: run.CreatedAt, UpdatedAt: run.FinishedAt,
	}
	err := c.store.FinishRun(t.Context(), host.Finish{Run: run, Session: &session, StateBefore: run.SessionState, Calls: calls})
	if err != nil {
		t.Fatal(err)
	}
}

// aRun is the nth run, in a session.
func aRun(n int, session string) host.Run {
	run := completedRun()
	run.ID, run.RootID, run.SessionID = fmt.Sprint("run-", n), fmt.Sprint("run-", n), session
	run.Input = host.TextContent(fmt.Sprint("question ", n))
	run.Attempt = 1
	run.CreatedAt = at.Add(time.Duration(n) * time.Minute)
	run.FinishedAt = run.CreatedAt.Add(5 * time.Second)
	return run
}

func (c *conversations) send(t *testing.T, method, target, body string) (status int, answer string) {
	t.Helper()
	w := c.ask(t, method, target, "application/json", body)
	return w.Code, w.Body.String()
}

// TestSessionBodies holds the shapes and the order of their members.
func TestSessionBodies(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	first := aRun(1, "s-1")
	first.SessionState = json.RawMessage(`{"a":1}`)
	c.end(t, first)
	second := aRun(2, "s-1")
	second.SessionState, second.Content = first.SessionState, json.RawMessage(`{"answer":42}`)
	second.Metrics = host.Metrics{InputTokens: 1, TotalTokens: 1, Duration: 2}
	second.Model = "fake-2"
	c.end(t, second)
	refused := refusedRun()
	refused.ID, refused.RootID, refused.SessionID, refused.UserID, refused.Attempt = "run-3", "run-3", "s-2", "", 1
	c.end(t, refused)
	for name, target := range map[string]string{
		"sessions.json":      "/sessions?type=agent&component_id=plain-agent&db_id=snaphook&limit=3",
		"session.json":       "/sessions/s-1?type=agent",
		"session-runs.json":  "/sessions/s-1/runs?type=agent&db_id=snaphook&table=sessions",
		"session-run.json":   "/sessions/s-1/runs/run-1",
		"agent-runs.json":    "/agents/plain-agent/runs?session_id=s-2",
		"refused-chat.json":  "/sessions/s-2",
		"no-sessions.json":   "/sessions?type=team",
		"session-page.json":  "/sessions?limit=1&page=2&sort_by=updated_at&sort_order=asc",
		"agent-no-runs.json": "/agents/plain-agent/runs?session_id=s-1&status=RUNNING",
	} {
		w := c.get(t, target)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: answer %d %s", target, w.Code, w.Body)
		}
		golden(t, name, w.Body.String())
	}
}

// TestSessionLife: create, rename, patch, delete.
func TestSessionLife(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	const created = `{"user_id":"u1","agent_session_id":"new-1","session_id":"new-1","session_name":"nm",` +
		`"session_state":{"x":1},"agent_id":"plain-agent","metrics":{},"metadata":{"k":"v"},"chat_history":[],` +
		`"created_at":"2026-11-20T09:30:00Z","updated_at":"2026-11-20T09:30:00Z"}`
	whole := func(name, state string) string {
		return `{"user_id":"u1","agent_session_id":"new-1","session_id":"new-1","session_name":"` + name +
			`","session_summary":null,"session_state":` + state + `,"agent_id":"plain-agent","total_tokens":null,` +
			`"agent_data":null,"metrics":{},"metadata":{"k":"v"},"chat_history":[],` +
			`"created_at":"2026-11-20T09:30:00Z","updated_at":"2026-11-20T09:30:00Z"}`
	}
	const exists = `{"detail":"Session with id 'new-1' already exists. Use PATCH /sessions/new-1 to update it.",` +
		`"error_id":"conflict","error_type":"request_error"}`
	post := `{"session_id":"new-1","session_name":"nm","session_state":{"x":1},"metadata":{"k":"v"},` +
		`"user_id":"u1","agent_id":"plain-agent","team_id":null,"workflow_id":null}`
	for _, step := range []struct {
		method, target, body string
		status               int
		want                 string
	}{
		{"POST", "/sessions?type=agent&db_id=snaphook", post, 201, created},
		{"POST", "/sessions", post, 409, exists},
		{"GET", "/sessions/new-1", "", 200, created},
		{"POST", "/sessions/new-1/rename?type=agent", `{"session_name":"other"}`, 200, whole("other", `{"x":1}`)},
		{"PATCH", "/sessions/new-1?type=agent", `{"session_state":{"q":1}}`, 200, whole("other", `{"q":1}`)},
		{"PATCH", "/sessions/new-1", `{"session_name":null,"metadata":null,"summary":null}`, 200, whole("other", `{"q":1}`)},
		{"DELETE", "/sessions/new-1?db_id=snaphook", "", 204, ""},
		{"DELETE", "/sessions/new-1", "", 204, ""},
		{"GET", "/sessions/new-1", "", 404, notFound("Session with id 'new-1' not found")},
	} {
		status, body := c.send(t, step.method, step.target, step.body)
		if diff := cmp.Diff(step.want, body); status != step.status || diff != "" {
			t.Errorf("%s %s: status %d, body (-want +got):\n%s", step.method, step.target, status, diff)
		}
	}
}

func TestCreateSessionOfNothing(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	var ids [2]string
	for i := range ids {
		status, body := c.send(t, http.MethodPost, "/sessions", `{}`)
		var got struct {
			SessionID string `json:"session_id"`
			Name      string `json:"session_name"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != 201 || got.SessionID == "" || got.Name != "" {
			t.Fatalf("answer %d %s", status, body)
		}
		ids[i] = got.SessionID
	}
	if ids[0] == ids[1] {
		t.Errorf("two sessions have the id %s", ids[0])
	}
}

// TestRunningRunsAreHidden: a client that asks too early is told that there is
// nothing, never shown an empty conversation.
func TestRunningRunsAreHidden(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	const id = "s-1"
	c.begin(t, aRun(1, id))
	want := func(target, detail string) {
		t.Helper()
		wantDetail(t, c.get(t, target), http.StatusNotFound, detail)
	}
	want("/sessions/s-1", "Session with id 's-1' not found")
	want("/sessions/s-1/runs", "Session with ID s-1 not found")
	want("/sessions/s-1/runs/run-1", "Session with ID s-1 not found")
	want("/agents/plain-agent/runs?session_id=s-1", "Session not found")
	if status, body := c.send(t, http.MethodPost, "/sessions", `{"session_id":"s-1","agent_id":"plain-agent"}`); status != 201 {
		t.Fatalf("answer %d %s", status, body)
	}
	want("/sessions/s-1/runs", "Session with ID s-1 has no runs")
	want("/sessions/s-1/runs/run-1", "Session with ID s-1 has no runs")
	want("/agents/plain-agent/runs?session_id=s-1", "Session not found")
	c.end(t, aRun(2, id))
	want("/sessions/s-1/runs/run-1", "Run with ID run-1 not found in session s-1")
	wantRunIDs(t, c, "/sessions/s-1/runs", "run-2")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s-1", "run-2")
}

// wantRunIDs expects a list of runs.
func wantRunIDs(t *testing.T, c *conversations, target string, want ...string) {
	t.Helper()
	var runs []struct {
		RunID string `json:"run_id"`
	}
	w := c.get(t, target)
	if err := json.Unmarshal(w.Body.Bytes(), &runs); err != nil {
		t.Fatalf("%s: %v: %s", target, err, w.Body)
	}
	got := make([]string, len(runs))
	for i, run := range runs {
		got[i] = run.RunID
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" || w.Code != http.StatusOK {
		t.Errorf("%s: status %d, runs (-want +got):\n%s", target, w.Code, diff)
	}
}

// TestLongSession reads more runs than are held at once.
func TestLongSession(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	var want []string
	for n := range 2*runsAtOnce + 1 {
		run := aRun(n, "s")
		if n%2 == 0 {
			run.Status = host.RunCancelled
		}
		c.end(t, run)
		want = append(want, run.ID)
	}
	wantRunIDs(t, c, "/sessions/s/runs", want...)
	var session struct {
		Name string          `json:"session_name"`
		Chat json.RawMessage `json:"chat_history"`
	}
	if err := json.Unmarshal(c.get(t, "/sessions/s").Body.Bytes(), &session); err != nil {
		t.Fatal(err)
	}
	var chat []struct{ Role string }
	if err := json.Unmarshal(session.Chat, &chat); err != nil || len(chat) != 2*len(want) || session.Name != "question 0" {
		t.Errorf("%d messages, name %q, error %v", len(chat), session.Name, err)
	}
}

func TestSessionRunFilters(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	for n, status := range []host.RunStatus{host.RunCompleted, host.RunError, host.RunCompleted} {
		run := aRun(n, "s")
		run.Status = status
		c.end(t, run)
	}
	other := aRun(3, "s")
	other.Component = host.Component{Kind: host.KindAgent, ID: "other/agent"}
	c.end(t, other)
	second := func(n int) int64 { return aRun(n, "s").CreatedAt.Unix() }
	wantRunIDs(t, c, fmt.Sprintf("/sessions/s/runs?created_after=%d&unknown=x", second(1)), "run-1", "run-2", "run-3")
	wantRunIDs(t, c, fmt.Sprintf("/sessions/s/runs?created_before=%d", second(1)), "run-0", "run-1")
	wantRunIDs(t, c, fmt.Sprintf("/sessions/s/runs?created_after=%d&created_before=%d", second(1)+1, second(2)-1))
	wantRunIDs(t, c, "/sessions/s/runs?created_after=-9223372036854775808&created_before=9223372036854775807",
		"run-0", "run-1", "run-2", "run-3")
	wantRunIDs(t, c, "/sessions/s/runs?created_after=9223372036854775807")
	wantRunIDs(t, c, "/sessions/s/runs?created_before=-9223372036854775807")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s&status=COMPLETED", "run-0", "run-2")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s", "run-0", "run-1", "run-2")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s&status=completed")
	wantDetail(t, c.get(t, "/agents/other%2Fagent/runs?session_id=s"), 404, "Session not found")
}

func TestListSessionsFilters(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	for n := range 4 {
		run := aRun(n, fmt.Sprint("s-", n))
		if n > 1 {
			run.UserID = "u-2"
		}
		c.end(t, run)
	}
	if status, body := c.send(t, http.MethodPost, "/sessions/s-2/rename", `{"session_name":"Holidays & more"}`); status != 200 {
		t.Fatalf("answer %d %s", status, body)
	}
	for query, want := range map[string]string{
		"":                                      "s-3 s-2 s-1 s-0 of 4",
		"?sort_order=asc":                       "s-0 s-1 s-2 s-3 of 4",
		"?sort_by=updated_at&limit=1":           "s-3 of 4",
		"?limit=3&page=2":                       "s-0 of 4",
		"?limit=3&page=3":                       " of 4",
		"?type=workflow":                        " of 0",
		"?type=&component_id=&user_id=":         "s-3 s-2 s-1 s-0 of 4",
		"?component_id=plain-agent&user_id=u-2": "s-3 s-2 of 2",
		"?component_id=nope":                    " of 0",
		"?session_name=holidays":                "s-2 of 1",
		"?session_name=QUESTION&user_id=u-1":    "s-1 s-0 of 2",
		"?session_name=%25":                     " of 0",
	} {
		var body list[struct {
			SessionID string `json:"session_id"`
		}]
		w := c.get(t, "/sessions"+query)
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %v: %s", query, err, w.Body)
		}
		var ids []string
		for _, s := range body.Data {
			ids = append(ids, s.SessionID)
		}
		if got := fmt.Sprintf("%s of %d", strings.Join(ids, " "), body.Meta.TotalCount); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// TestSessionErrors holds the texts clients show.
func TestSessionErrors(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	c.end(t, aRun(1, "s"))
	for _, tc := range []struct {
		method, target, body string
		status               int
		detail               string
	}{
		{"GET", "/sessions/nope?type=agent", "", 404, "Agent Session with id 'nope' not found"},
		{"GET", "/sessions/s?type=team", "", 404, "Team Session with id 's' not found"},
		{"GET", "/sessions/nope", "", 404, "Session with id 'nope' not found"},
		{"GET", "/sessions/s?user_id=stranger", "", 404, "Session with id 's' not found"},
		{"GET", "/sessions/nope/runs", "", 404, "Session with ID nope not found"},
		{"GET", "/sessions/s/runs?user_id=stranger", "", 404, "Session with ID s not found"},
		{"GET", "/sessions/nope/runs/x", "", 404, "Session with ID nope not found"},
		{"GET", "/sessions/s/runs/x", "", 404, "Run with ID x not found in session s"},
		{"POST", "/sessions/nope/rename", `{"session_name":"x"}`, 404, "Session with id 'nope' not found"},
		{"POST", "/sessions/s/rename?user_id=stranger", `{"session_name":"x"}`, 404, "Session with id 's' not found"},
		{"PATCH", "/sessions/nope?type=agent", `{}`, 404, "Session with id 'nope' not found"},
		{"DELETE", "/sessions", `{"session_ids":["a","b"],"session_types":["agent"]}`, 400,
			"Session IDs and session types must have the same length"},
		{"GET", "/sessions?db_id=nope", "", 404, "404: No database found with id 'nope'"},
		{"GET", "/sessions/s?db_id=nope", "", 404, "No database found with id 'nope'"},
		{"GET", "/sessions/s/runs?db_id=nope", "", 404, "No database found with id 'nope'"},
		{"POST", "/sessions?db_id=nope", `{}`, 404, "No database found with id 'nope'"},
		{"DELETE", "/sessions/s?db_id=nope", "", 404, "No database found with id 'nope'"},
		{"GET", "/sessions?table=x", "", 400, "The db_id query parameter is required when passing a table"},
		{"GET", "/sessions/s?db_id=snaphook&table=x", "", 404, "No database with id 'snaphook' has table 'x'"},
		{"PATCH", "/sessions/s", `{"session_name":"a","session_name":"b"}`, 422,
			"The body is not valid: session_name: is given more than once"},
		{"PATCH", "/sessions/s", `{"session_nam":"a"}`, 422, "The body is not valid: session_nam: is unknown; " +
			"known are session_name, session_state, metadata, summary"},
		{"PATCH", "/sessions/s", `{"session_name":1}`, 422, "The body is not valid: session_name: has the wrong type number"},
		{"POST", "/sessions", ``, 422, "The body is not a JSON document"},
	} {
		t.Run(tc.method+" "+tc.target+" "+tc.body, func(t *testing.T) {
			w := c.ask(t, tc.method, tc.target, "application/json", tc.body)
			wantDetail(t, w, tc.status, tc.detail)
		})
	}
}

// TestSessionFields: what is wrong is named.
func TestSessionFields(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	long := strings.Repeat("é", 513)
	for _, tc := range []struct{ method, target, body, want string }{
		{"GET", "/sessions?limit=0", "", `{"type":"greater_than_equal","loc":["query","limit"],` +
			`"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}`},
		{"GET", "/sessions?type=zzz", "", `{"type":"enum","loc":["query","type"],"msg":"Input should be 'agent', 'team' or 'workflow'",` +
			`"input":"zzz","ctx":{"expected":"'agent', 'team' or 'workflow'"}}`},
		{"GET", "/sessions?sort_order=up", "", `{"type":"enum","loc":["query","sort_order"],"msg":"Input should be 'asc' or 'desc'",` +
			`"input":"up","ctx":{"expected":"'asc' or 'desc'"}}`},
		{"GET", "/sessions?sort_by=size", "", `{"type":"enum","loc":["query","sort_by"],"msg":"Input should be 'created_at' or 'updated_at'",` +
			`"input":"size","ctx":{"expected":"'created_at' or 'updated_at'"}}`},
		{"GET", "/sessions/s?type=zzz", "", `"loc":["query","type"]`},
		{"POST", "/sessions?type=zzz", "{}", `"loc":["query","type"]`},
		{"POST", "/sessions?type=team", `{"agent_id":"plain-agent"}`, `{"type":"value_error","loc":["body","agent_id"],` +
			`"msg":"A session of the type team has no agent_id","input":"plain-agent"}`},
		{"POST", "/sessions?type=team", `{"team_id":"t"}`, `{"type":"value_error","loc":["body","team_id"],"msg":"Team not found","input":"t"}`},
		{"POST", "/sessions", `{"session_id":"` + long + `"}`, `{"type":"string_too_long","loc":["body","session_id"]`},
		{"POST", "/sessions", `{"user_id":"a\nb"}`, `{"type":"string_control","loc":["body","user_id"]`},
		{"POST", "/sessions", `{"session_name":"` + long + `"}`, `{"type":"string_too_long","loc":["body","session_name"]`},
		{"PATCH", "/sessions/s", `{"session_name":"a\u0000"}`, `{"type":"string_control","loc":["body","session_name"]`},
		{"POST", "/sessions", `{"session_state":[1]}`, `{"type":"dict_type","loc":["body","session_state"],"msg":"Input should be a JSON object","input":"[1]"}`},
		{"POST", "/sessions", `{"metadata":"x"}`, `{"type":"dict_type","loc":["body","metadata"]`},
		{"POST", "/sessions", `{"session_state":{"a":"\ud800"}}`, `{"type":"value_error","loc":["body","session_state"]`},
		{"PATCH", "/sessions/s", `{"session_state":` + strings.Repeat(`{"a":`, 64) + "{}" + strings.Repeat("}", 64) + `}`, `nested at most 64 levels deep`},
		{"POST", "/sessions", `{"agent_id":"nope"}`, `{"type":"value_error","loc":["body","agent_id"],"msg":"Agent not found","input":"nope"}`},
		{"POST", "/sessions", `{"team_id":"t"}`, `"msg":"A session of the type agent has no team_id","input":"t"}`},
		{"POST", "/sessions/s/rename", `{}`, `{"type":"missing","loc":["body","session_name"],"msg":"Field required","input":null}`},
		{"PATCH", "/sessions/s", `{"summary":{"summary":"x"}}`, `{"type":"not_available","loc":["body","summary"]`},
		{"DELETE", "/sessions", `{"session_ids":[],"session_types":[]}`, `{"type":"too_short","loc":["body","session_ids"]`},
		{"DELETE", "/sessions", `{"session_ids":["a"],"session_types":["zzz"]}`, `{"type":"enum","loc":["body","session_types.0"]`},
		{"DELETE", "/sessions/s?force=perhaps", ``, `{"type":"bool_parsing","loc":["query","force"]`},
		{"GET", "/sessions/s/runs?created_after=now", "", `{"type":"int_parsing","loc":["query","created_after"]`},
		{"GET", "/agents/plain-agent/runs", "", `{"type":"missing","loc":["query","session_id"],"msg":"Field required","input":null}`},
	} {
		t.Run(tc.method+" "+tc.target+" "+cut(tc.body), func(t *testing.T) {
			status, body := c.send(t, tc.method, tc.target, tc.body)
			if status < 400 || status >= 500 || !strings.Contains(body, tc.want) {
				t.Errorf("answer %d %s, want %s", status, body, tc.want)
			}
		})
	}
	if _, total, err := c.store.Sessions(t.Context(), host.SessionFilter{Limit: 1}); err != nil || total != 0 {
		t.Errorf("%d sessions were stored, error %v", total, err)
	}
}

// TestIDsOfAnyKind: an id may hold what a path cannot.
func TestIDsOfAnyKind(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	const id = `a/b?c#d%41 é"'`
	c.end(t, aRun(1, id))
	path := "/sessions/" + url.PathEscape(id)
	wantRunIDs(t, c, path+"/runs", "run-1")
	if status, body := c.send(t, http.MethodPost, path+"/rename", `{"session_name":"x"}`); status != 200 {
		t.Errorf("answer %d %s", status, body)
	}
	if status, _ := c.send(t, http.MethodDelete, path, ""); status != 204 {
		t.Errorf("status %d", status)
	}
	if w := c.get(t, path); w.Code != 404 {
		t.Errorf("status %d after the end", w.Code)
	}
}

// queue stores a background run that no worker has taken.
func (c *conversations) queue(t *testing.T, run host.Run) {
	t.Helper()
	run.Status, run.Background = host.RunPending, true
	run.Input, run.Content, run.Messages, run.Metadata = nil, nil, nil, nil
	run.Metrics, run.FinishedAt = host.Metrics{}, time.Time{}
	create := host.NewRun{Run: run, Wait: true, Request: &host.RunRequest{Input: host.TextContent("secret")}}
	if err := c.store.CreateRun(t.Context(), create); err != nil {
		t.Fatal(err)
	}
}

// TestBackgroundRunsAreShownAtOnce: also when nothing is known of their session
// yet but them.
func TestBackgroundRunsAreShownAtOnce(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	c.queue(t, aRun(1, "s-1"))
	const session = `{"user_id":"u-1","agent_session_id":"s-1","session_id":"s-1","session_name":"","session_state":{},` +
		`"agent_id":"plain-agent","agent_data":{"name":"Plain","agent_id":"plain-agent",` +
		`"model":{"provider":"Fake","id":"fake-1","name":"FakeModel"}},"metrics":{},"chat_history":[],` +
		`"created_at":"2026-11-20T09:31:00Z","updated_at":"2026-11-20T09:31:00Z"}`
	wantAnswer(t, c.get(t, "/sessions/s-1"), http.StatusOK, session)
	golden(t, "session-run-pending.json", c.get(t, "/sessions/s-1/runs/run-1").Body.String())
	wantRunIDs(t, c, "/sessions/s-1/runs?type=agent&user_id=u-1", "run-1")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s-1", "run-1")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s-1&status=PENDING", "run-1")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s-1&status=COMPLETED")
	for target, detail := range map[string]string{
		"/sessions/s-1?type=team":                   "Team Session with id 's-1' not found",
		"/sessions/s-1/runs?user_id=stranger":       "Session with ID s-1 not found",
		"/agents/other%2Fagent/runs?session_id=s-1": "Session not found",
	} {
		wantDetail(t, c.get(t, target), http.StatusNotFound, detail)
	}
	c.end(t, aRun(2, "s-1"))
	wantRunIDs(t, c, "/sessions/s-1/runs", "run-2", "run-1")
	wantRunIDs(t, c, "/agents/plain-agent/runs?session_id=s-1", "run-2", "run-1")
}

// TestSessionOfBackgroundRuns: before one has ended, their session is listed, can
// be changed, and cannot be deleted by force either.
func TestSessionOfBackgroundRuns(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	c.queue(t, aRun(1, "s-1"))
	if w := c.get(t, "/sessions?user_id=u-1"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"session_id":"s-1"`) {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	for method, target := range map[string]string{http.MethodPost: "/sessions/s-1/rename", http.MethodPatch: "/sessions/s-1?user_id=u-1"} {
		status, body := c.send(t, method, target, `{"session_name":"`+method+`"}`)
		if status != http.StatusOK || !strings.Contains(body, `"session_name":"`+method+`"`) {
			t.Errorf("answer %d %s", status, body)
		}
	}
	for _, query := range []string{"", "?force=true"} {
		wantDetail(t, c.ask(t, http.MethodDelete, "/sessions/s-1"+query, "", ""), http.StatusConflict,
			`run "run-1" of session "s-1" has not ended; cancel it, or wait for it`)
	}
}
