package httpapi

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

func TestFindHookCalls(t *testing.T) {
	t.Parallel()
	f := fixture{runs: fakeRuns{calls: []host.HookCall{{ID: "c-1", Status: host.HookCallDead, CreatedAt: at}}, total: 41}}
	w := f.get(t, "/hook-calls?status=dead&plugin=p&hook=h&run_id=r&session_id=s&mode=background&limit=10&page=3")
	wantAnswer(t, w, 200, `{"data":[{"id":"c-1","run_id":"","session_id":"","component":{"kind":"","id":""},"plugin":"",`+
		`"version":"","digest":"","hook":"","point":"","sequence":0,"mode":"","guardrail":false,"status":"dead","warnings":[],`+
		`"attempt":0,"max_attempts":0,"duration_ms":0,"logs":[],"created_at":"2026-11-20T09:30:00.123456Z"}],`+
		`"meta":{"page":3,"limit":10,"total_pages":5,"total_count":41,"search_time_ms":0}}`)
	f.get(t, "/hook-calls")
	want := []string{
		"{Status:dead Plugin:p Hook:h RunID:r SessionID:s Mode:background} 20 10",
		"{Status: Plugin: Hook: RunID: SessionID: Mode:} 0 20",
	}
	if diff := cmp.Diff(want, f.runs.found); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	none := fixture{}
	wantAnswer(t, none.get(t, "/hook-calls"), 200,
		`{"data":[],"meta":{"page":1,"limit":20,"total_pages":0,"total_count":0,"search_time_ms":0}}`)
}

func TestFindHookCallsRefusesWhatMeansNothing(t *testing.T) {
	t.Parallel()
	for query, field := range map[string]string{
		"status=DEAD":               "status",
		"mode=both":                 "mode",
		"limit=0":                   "limit",
		"limit=101":                 "limit",
		"limit=9223372036854775808": "limit",
		"page=0":                    "page",
		"page=-1":                   "page",
		"page=501":                  "page",
		"page=101&limit=100":        "page",
		"page=9223372036854775807":  "page",
	} {
		f := fixture{}
		w := f.get(t, "/hook-calls?"+query)
		if w.Code != 422 || !strings.Contains(w.Body.String(), `"loc":["query","`+field+`"]`) || f.runs.found != nil {
			t.Errorf("%s: answer %d %s", query, w.Code, w.Body)
		}
	}
	f := fixture{}
	if w := f.get(t, "/hook-calls?page=100&limit=100"); w.Code != 200 {
		t.Errorf("the last page: %d %s", w.Code, w.Body)
	}
}

func TestRetryHookCall(t *testing.T) {
	t.Parallel()
	f := fixture{}
	w := f.ask(t, "POST", "/hook-calls/a%2Fb/retry", "", "")
	if w.Code != 200 || !strings.HasPrefix(w.Body.String(), `{"id":"a/b",`) || !strings.Contains(w.Body.String(), `"status":"queued"`) {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	f.jobs.err = host.Errorf(host.CodeConflict, "the hook call is completed; only a dead one can be retried")
	wantDetail(t, f.ask(t, "POST", "/hook-calls/c/retry", "", ""), 409, "the hook call is completed; only a dead one can be retried")
	f.jobs.err = host.Errorf(host.CodeNotFound, "no such call")
	wantDetail(t, f.ask(t, "POST", "/hook-calls/c/retry", "", ""), 404, "no such call")
	if w := f.get(t, "/hook-calls/c/retry"); w.Code != 405 {
		t.Errorf("GET: %d", w.Code)
	}
}

func TestRetryHookCalls(t *testing.T) {
	t.Parallel()
	f := fixture{}
	retry := func(body string) {
		wantAnswer(t, f.ask(t, "POST", "/hook-calls/retry", "application/json", body), 200, `{"retried":7}`)
	}
	retry(`{}`)
	retry(`{"plugin":"p","hook":"h","run_id":"r","session_id":"s","mode":"background","limit":1000}`)
	want := []string{
		"retry {Status: Plugin: Hook: RunID: SessionID: Mode:} 100",
		"retry {Status: Plugin:p Hook:h RunID:r SessionID:s Mode:background} 1000",
	}
	if diff := cmp.Diff(want, f.jobs.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	for body, field := range map[string]string{
		`{"limit":0}`:          "limit",
		`{"limit":1001}`:       "limit",
		`{"limit":"all"}`:      "limit",
		`{"limit":1e99}`:       "limit",
		`{"mode":"sometimes"}`: "mode",
		`{"status":"queued"}`:  "status",
		`{"plugin":1}`:         "plugin",
	} {
		refused := fixture{}
		w := refused.ask(t, "POST", "/hook-calls/retry", "application/json", body)
		if w.Code != 422 || !strings.Contains(w.Body.String(), field) || refused.jobs.asked != nil {
			t.Errorf("%s: answer %d %s", body, w.Code, w.Body)
		}
	}
	if w := f.ask(t, "POST", "/hook-calls/retry", "text/plain", `{}`); w.Code != 415 {
		t.Errorf("text: %d", w.Code)
	}
}

func TestQuarantineIsShownAndEnded(t *testing.T) {
	t.Parallel()
	f := fixture{
		plugins: fakePlugins{plugins: []host.Plugin{aPlugin("1.0.0")}},
		jobs: fakeJobs{quarantine: &host.Quarantine{
			Since: at, Until: at.Add(time.Second), Failures: 5, Reason: "5 calls in a row failed",
		}},
	}
	const shown = `"quarantine":{"since":"2026-11-20T09:30:00.123456Z","until":"2026-11-20T09:30:01.123456Z",` +
		`"failures":5,"reason":"5 calls in a row failed"}`
	if body := f.get(t, "/plugins/pii-guard").Body.String(); !strings.Contains(body, shown) {
		t.Errorf("no quarantine in %s", body)
	}
	w := f.ask(t, "POST", "/plugins/pii-guard/quarantine/reset", "", "")
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"quarantine":null`) {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	wantDetail(t, f.ask(t, "POST", "/plugins/nope/quarantine/reset", "", ""), 404, `no plugin "nope" is installed`)
	if diff := cmp.Diff([]string{"end pii-guard"}, f.jobs.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}
