package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	whole := func() Config {
		return Config{
			Engine: &fakeEngine{}, Plugins: &fakePlugins{}, Runs: &fakeRuns{}, Sessions: noSessions{},
			Jobs: &fakeJobs{}, Metrics: http.NotFoundHandler(), Ready: func(context.Context) error { return nil },
			Log: slog.New(slog.DiscardHandler),
		}
	}
	for name, spoil := range map[string]func(*Config){
		"engine":  func(c *Config) { c.Engine = nil },
		"plugins": func(c *Config) { c.Plugins = nil },
		"runs":    func(c *Config) { c.Runs = nil },
		"session": func(c *Config) { c.Sessions = nil },
		"jobs":    func(c *Config) { c.Jobs = nil },
		"metrics": func(c *Config) { c.Metrics = nil },
		"ready":   func(c *Config) { c.Ready = nil },
		"log":     func(c *Config) { c.Log = nil },
		"beat":    func(c *Config) { c.Heartbeat = -1 },
		"star":    func(c *Config) { c.Origins = []string{"*"} },
		"null":    func(c *Config) { c.Origins = []string{"null"} },
		"path":    func(c *Config) { c.Origins = []string{"http://a.test/"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := whole()
			spoil(&cfg)
			if _, err := New(cfg); err == nil {
				t.Error("no error")
			}
		})
	}
	if _, err := New(whole()); err != nil {
		t.Error(err)
	}
}

func TestFixedAnswers(t *testing.T) {
	t.Parallel()
	const agent = `{"id":"plain-agent","name":"Plain","db_id":"snaphook","description":"d","is_factory":false,` +
		`"model":{"name":"FakeModel","model":"fake-1","provider":"Fake"},` +
		`"sessions":{"session_table":"sessions","add_history_to_context":true,"num_history_runs":3},"is_component":false}`
	const other = `{"id":"other/agent","db_id":"snaphook","is_factory":false,` +
		`"model":{"name":"FakeModel","model":"fake-1","provider":"Fake"},` +
		`"sessions":{"session_table":"sessions"},"is_component":false}`
	for _, tc := range []struct {
		method, target string
		status         int
		body           string
	}{
		{"GET", "/", 200, `{"name":"Snaphook","id":"snaphook","version":"1.2.3"}`},
		{"GET", "/health", 200, `{"status":"ok","instantiated_at":"2026-11-20T09:30:00.123456Z"}`},
		{"GET", "/health/", 200, `{"status":"ok","instantiated_at":"2026-11-20T09:30:00.123456Z"}`},
		{"GET", "/info", 200, `{"os_id":"snaphook","name":"Snaphook","agno_version":"2.9.0","agent_count":2,` +
			`"team_count":0,"workflow_count":0,"mcp":{"enabled":false,"path":null,"oauth":null},"auth_mode":"none"}`},
		{"GET", "/config", 200, `{"os_id":"snaphook","name":"Snaphook","available_models":["fake-1"],` +
			`"os_database":"snaphook","databases":["snaphook"],"session":{"dbs":[{"db_id":"snaphook",` +
			`"domain_config":{"display_name":"snaphook"},"tables":["sessions"]}]},"evals":{"dbs":[{"db_id":"snaphook",` +
			`"domain_config":{"display_name":"snaphook"},"tables":["evaluations"]}]},"agents":[{"id":"plain-agent",` +
			`"name":"Plain","description":"d","db_id":"snaphook","model":{"id":"fake-1","provider":"Fake"}},` +
			`{"id":"other/agent","db_id":"snaphook","model":{"id":"fake-1","provider":"Fake"}}],` +
			`"teams":[],"workflows":[],"interfaces":[]}`},
		{"GET", "/models", 200, `[{"id":"fake-1","provider":"Fake"}]`},
		{"GET", "/agents", 200, "[" + agent + "," + other + "]"},
		{"GET", "/agents/", 200, "[" + agent + "," + other + "]"},
		{"GET", "/agents/plain-agent", 200, agent},
		{"GET", "/agents/other%2Fagent/", 200, other},
		{"GET", "/agents/nope", 404, notFound("Agent not found")},
		{"POST", "/agents/nope/runs", 404, notFound("Agent not found")},
		{"GET", "/agents/nope/runs?session_id=s", 404, notFound("Agent not found")},
		{"GET", "/agents/nope/hooks", 404, notFound("Agent not found")},
		{"PUT", "/agents/nope/hooks", 404, notFound("Agent not found")},
		{"GET", "/teams", 200, "[]"},
		{"GET", "/teams/t", 404, notFound("Team not found")},
		{"POST", "/teams/t/runs", 404, notFound("Team not found")},
		{"GET", "/workflows", 200, "[]"},
		{"GET", "/workflows/w", 404, notFound("Workflow not found")},
		{"POST", "/workflows/w/runs", 404, notFound("Workflow not found")},
		{"GET", "/nope", 404, notFound("Not Found")},
		{"GET", "//agents", 404, notFound("Not Found")},
		{"GET", "/agents/a/b/c", 404, notFound("Not Found")},
		{"PUT", "/agents", 405, `{"detail":"Method Not Allowed","error_id":"method_not_allowed","error_type":"request_error"}`},
	} {
		t.Run(tc.method+" "+tc.target, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			wantAnswer(t, f.ask(t, tc.method, tc.target, "", ""), tc.status, tc.body)
		})
	}
}

func notFound(detail string) string {
	return `{"detail":"` + detail + `","error_id":"not_found","error_type":"request_error"}`
}

func TestMethodNotAllowedSaysWhatIs(t *testing.T) {
	t.Parallel()
	f := fixture{}
	w := f.ask(t, http.MethodPatch, "/hooks", "", "")
	if got, want := w.Header().Get("Allow"), "GET, HEAD, PUT"; w.Code != 405 || got != want {
		t.Errorf("status %d, Allow %q, want 405 and %q", w.Code, got, want)
	}
}

func TestHeadIsAGetWithoutBody(t *testing.T) {
	t.Parallel()
	f := fixture{}
	srv := f.server(t)
	resp, err := srv.Client().Head(srv.URL + "/health")
	if err != nil {
		t.Fatal(err)
	}
	if body := readAll(t, resp); resp.StatusCode != http.StatusOK || body != "" {
		t.Errorf("answer %d %q", resp.StatusCode, body)
	}
}

func TestPanicIsAnsweredAndLoggedOnce(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{script: func(context.Context, host.RunRequest) (host.Run, error) {
		panic("oops")
	}}}
	for _, stream := range []string{"true", "false"} {
		f.log.Reset()
		wantAnswer(t, f.run(t, "message=hi&stream="+stream), http.StatusInternalServerError,
			`{"detail":"Internal Server Error","error_id":"internal","error_type":"host_error"}`)
		if got := strings.Count(f.log.String(), "panic=oops"); got != 1 {
			t.Errorf("stream=%s: logged %d times, want once", stream, got)
		}
	}
}

func TestPanicInAStreamCutsTheConnection(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{script: func(_ context.Context, req host.RunRequest) (host.Run, error) {
		run := completedRun()
		if err := req.Events(host.Event{Kind: host.EventRunStarted, At: at, Run: &run}); err != nil {
			return host.Run{}, err
		}
		panic("oops")
	}}}
	defer func() {
		if cause := recover(); cause != http.ErrAbortHandler {
			t.Errorf("panic %v, want http.ErrAbortHandler", cause)
		}
	}()
	f.run(t, "message=hi")
	t.Error("the handler returned")
}

func TestErrorsOfTheDomain(t *testing.T) {
	t.Parallel()
	for code, status := range map[host.Code]int{
		host.CodeInvalid: 422, host.CodeNotFound: 404, host.CodeConflict: 409, host.CodeTooLarge: 413,
		host.CodeBusy: 429, host.CodeUnavailable: 503, host.CodeInternal: 500, "unheard of": 500,
	} {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			f := fixture{plugins: fakePlugins{err: &host.Error{
				Code: code, Message: "message", Err: http.ErrBodyNotAllowed,
			}}}
			w := f.ask(t, http.MethodPut, "/hooks", "application/json", `{"hooks":[]}`)
			detail := "message"
			if status == http.StatusInternalServerError {
				detail = internalDetail
			}
			wantDetail(t, w, status, detail)
			if strings.Contains(w.Body.String(), http.ErrBodyNotAllowed.Error()) {
				t.Errorf("the cause is told: %s", w.Body)
			}
			if got := w.Header().Get("Retry-After"); (got != "") != (status == http.StatusTooManyRequests) {
				t.Errorf("Retry-After %q", got)
			}
			logged := strings.Count(f.log.String(), http.ErrBodyNotAllowed.Error())
			if want := map[bool]int{true: 1}[status >= http.StatusInternalServerError]; logged != want {
				t.Errorf("the cause is logged %d times, want %d", logged, want)
			}
		})
	}
}
