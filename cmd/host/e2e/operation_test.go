package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// hookCalls is a page of GET /hook-calls.
func (c *client) hookCalls(t testing.TB, query string) (calls []hookCall, total int) {
	t.Helper()
	var page struct {
		Data []hookCall `json:"data"`
		Meta struct {
			TotalCount int `json:"total_count"`
		} `json:"meta"`
	}
	c.get(t, "/hook-calls?"+query).want(t, 200).into(t, &page)
	return page.Data, page.Meta.TotalCount
}

// TestDeadLetters: a call whose attempts have all failed is kept with its context,
// over a restart, and goes out again with all its attempts and the same key.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	broken.Store(true)
	service := newReceiver(t, func(int, request) int {
		if broken.Load() {
			return 503
		}
		return 204
	})
	s := newSite(t, config{})
	p := s.start(t)
	p.installWith(t, newPlugin(t, "courier", permitHTTP(service.url()), hook{
		name: "deliver", point: "output", does: guesttest.Posts(service.url()),
		fields: []string{"mode: background", "retry: {max_attempts: 2, initial: 10ms, max: 20ms}"},
	}), "http")
	p.bind(t, "agent", binding{"plugin": "courier"})
	first := p.run(t, "agent", form{"message": "one", "session_id": "s"}).must(t, "one")
	p.settled(t, first.RunID)
	second := p.run(t, "agent", form{"message": "two", "session_id": "t"}).must(t, "two")
	p.settled(t, second.RunID)
	p.stop(t)

	p = s.start(t)
	dead, total := p.hookCalls(t, "status=dead&plugin=courier")
	if total != 2 || len(dead) != 2 || dead[0].RunID != second.RunID || dead[1].RunID != first.RunID {
		t.Fatalf("the dead letters are %+v", dead)
	}
	if found, _ := p.hookCalls(t, "status=dead&session_id=s"); len(found) != 1 || found[0].ID != dead[1].ID {
		t.Errorf("those of the session are %+v", found)
	}
	broken.Store(false)
	p.sendJSON(t, http.MethodPost, "/hook-calls/"+dead[0].ID+"/retry", nil).want(t, 200)
	call := p.settled(t, second.RunID)[0]
	if call.Status != "completed" || call.Attempt != 3 || call.MaxAttempts != 4 || call.IdempotencyKey != dead[0].IdempotencyKey {
		t.Errorf("retried: %+v", call)
	}
	p.sendJSON(t, http.MethodPost, "/hook-calls/"+dead[0].ID+"/retry", nil).want(t, 409).says(t, "completed")
	p.sendJSON(t, http.MethodPost, "/hook-calls/nope/retry", nil).want(t, 404)

	p.sendJSON(t, http.MethodPost, "/hook-calls/retry", map[string]any{"plugin": "courier"}).says(t, `{"retried":1}`)
	if call := p.settled(t, first.RunID)[0]; call.Status != "completed" {
		t.Errorf("retried with all: %s", call.summary())
	}
	bodies := service.requests()
	last := readContext(t, bodies[len(bodies)-1].body)
	if len(bodies) != 6 || string(last.Output.Content) != `"one"` {
		t.Errorf("%d deliveries, the last of %s", len(bodies), last.Output.Content)
	}
	if _, total := p.hookCalls(t, "status=dead"); total != 0 {
		t.Errorf("%d calls are dead still", total)
	}
}

// TestQuarantine: the background calls of a plugin that keeps failing are held
// back and tried one by one; its blocking hooks, and other plugins, go on.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	once := []string{"mode: background", "retry: {max_attempts: 1}"}
	p := newSite(t, config{}).start(t)
	p.install(t, newPlugin(t, "broken", "",
		hook{name: "check", point: "input", fields: []string{"mode: blocking"}, does: guesttest.Answers(rewrite("checked"))},
		hook{name: "trap", point: "output", fields: once, does: guesttest.Traps()}))
	p.install(t, newPlugin(t, "sound", "", hook{name: "note", point: "output", fields: once, does: guesttest.Answers(allow)}))
	p.bind(t, "agent", binding{"plugin": "broken"}, binding{"plugin": "sound"})
	for range 5 {
		p.settled(t, p.run(t, "agent", form{"message": "hello"}).must(t, "checked").RunID)
	}
	if q := p.quarantine(t, "broken"); q == nil || q.Failures != 5 || !strings.Contains(q.Reason, "5 calls in a row failed") {
		t.Fatalf("quarantine %+v", q)
	}
	if q := p.quarantine(t, "sound"); q != nil {
		t.Errorf("a sound plugin is in quarantine: %+v", q)
	}
	p.get(t, "/-/metrics").says(t, `snaphook_plugin_quarantined{plugin="broken"} 1`)

	held := p.run(t, "agent", form{"message": "hello"}).must(t, "checked")
	p.settled(t, held.RunID) // as the trial
	eventually(t, "the trial is counted", func() bool { return p.quarantine(t, "broken").Failures == 6 })
	p.sendJSON(t, http.MethodPost, "/plugins/broken/quarantine/reset", nil).want(t, 200).says(t, `"quarantine":null`)
	want := []string{
		"broken.check blocking completed transformed", "broken.trap background dead", "sound.note background completed allowed",
	}
	if diff := cmp.Diff(want, summaries(p.settled(t, held.RunID))); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
}

type quarantine struct {
	Failures int    `json:"failures"`
	Reason   string `json:"reason"`
}

// quarantine is what the plugin's page says of it.
func (c *client) quarantine(t testing.TB, plugin string) *quarantine {
	t.Helper()
	var body struct {
		Quarantine *quarantine `json:"quarantine"`
	}
	c.get(t, "/plugins/"+plugin).want(t, 200).into(t, &body)
	return body.Quarantine
}

// TestMetrics: the page counts what happened, and tells the ways of a deny apart.
func TestMetrics(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	p.get(t, "/-/ready").want(t, 200).says(t, "ready")
	p.install(t, newPlugin(t, "judge", "",
		hook{name: "deny", point: "input", fields: []string{"mode: blocking"}, does: guesttest.Answers(deny)},
		hook{name: "note", point: "output", fields: []string{"mode: background"}, does: guesttest.Answers(allow)}))
	p.install(t, newPlugin(t, "wreck", "", hook{name: "trap", point: "input", fields: []string{"mode: blocking"}, does: guesttest.Traps()}))
	p.settled(t, p.run(t, "agent", form{"message": "hello"}).must(t, "hello").RunID)
	p.bind(t, "agent", binding{"plugin": "judge"})
	p.run(t, "agent", form{"message": "hello"})
	p.bind(t, "agent", binding{"plugin": "wreck", "on_error": "allow"}, binding{"plugin": "judge", "hook": "note"})
	p.settled(t, p.run(t, "agent", form{"message": "hello"}).must(t, "hello").RunID)
	p.bind(t, "agent", binding{"plugin": "wreck"})
	p.run(t, "agent", form{"message": "hello"})

	p.get(t, "/-/metrics").want(t, 200).says(t,
		`snaphook_runs_total{component="agent",kind="agent",status="COMPLETED"} 2`,
		`snaphook_runs_total{component="agent",kind="agent",status="ERROR"} 2`,
		`snaphook_runs_in_flight{component="agent",kind="agent"} 0`,
		`snaphook_model_requests_total{model="echo",provider="Snaphook",result="ok"} 2`,
		`snaphook_hook_calls_total{hook="deny",mode="blocking",outcome="denied",plugin="judge"} 1`,
		`snaphook_hook_calls_total{hook="note",mode="background",outcome="skipped",plugin="judge"} 1`,
		`snaphook_hook_calls_total{hook="note",mode="background",outcome="allowed",plugin="judge"} 1`,
		`snaphook_hook_calls_total{hook="trap",mode="blocking",outcome="failed_open",plugin="wreck"} 1`,
		`snaphook_hook_calls_total{hook="trap",mode="blocking",outcome="failed_closed",plugin="wreck"} 1`,
		`snaphook_background_calls{status="dead"} 0`,
		`snaphook_background_lag_seconds 0`,
		`go_goroutines`, `process_resident_memory_bytes`, `snaphook_build_info{version=`)
	eventually(t, "the end of a run is logged", func() bool {
		return strings.Contains(p.output.String(), `msg="run ended"`)
	})
	if strings.Contains(p.output.String(), "hello") {
		t.Error("the log holds what was said in a run")
	}
}
