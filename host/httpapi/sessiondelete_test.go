package httpapi

import (
	"net/http"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// TestDeleteSessionThatIsWorkedFor: a run is waited for; background calls may be
// given up.
func TestDeleteSessionThatIsWorkedFor(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	c.end(t, aRun(1, "s"), host.HookCall{
		ID: "call-1", RunID: "run-1", SessionID: "s", Plugin: "notifier", Hook: "notify", Point: pluginapi.PointOutput,
		Mode: pluginapi.ModeBackground, Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 5, NextAttemptAt: at,
	})
	wantDetail(t, c.ask(t, http.MethodDelete, "/sessions/s", "", ""), http.StatusConflict,
		`background hook call "call-1" of session "s" is not done; wait for it, or give background calls up with ?force=true`)
	c.begin(t, aRun(2, "s"))
	wantDetail(t, c.ask(t, http.MethodDelete, "/sessions/s?force=true", "", ""), http.StatusConflict,
		`run "run-2" of session "s" has not ended; cancel it, or wait for it`)
	wantRunIDs(t, c, "/sessions/s/runs", "run-1")

	run := aRun(2, "s")
	if err := c.store.FinishRun(t.Context(), host.Finish{Run: run}); err != nil {
		t.Fatal(err)
	}
	if w := c.ask(t, http.MethodDelete, "/sessions/s?force=true", "", ""); w.Code != http.StatusNoContent || w.Body.Len() > 0 {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
	for _, target := range []string{
		"/sessions/s", "/runs/run-1/hooks", "/agents/plain-agent/runs/run-1?session_id=s", "/agents/plain-agent/runs/run-2?session_id=s",
	} {
		if w := c.get(t, target); w.Code != http.StatusNotFound {
			t.Errorf("%s: answer %d %s", target, w.Code, w.Body)
		}
	}
}

func TestDeleteSeveralSessions(t *testing.T) {
	t.Parallel()
	c := newConversations(t)
	for n, user := range []string{"u", "u", "v", ""} {
		run := aRun(n, []string{"a", "b", "c", "d"}[n])
		run.UserID = user
		c.end(t, run)
	}
	remove := func(target, body string) {
		t.Helper()
		if status, answer := c.send(t, http.MethodDelete, target, body); status != http.StatusNoContent {
			t.Errorf("answer %d %s", status, answer)
		}
	}
	want := func(total int) {
		t.Helper()
		if _, n, err := c.store.Sessions(t.Context(), host.SessionFilter{Limit: 1}); err != nil || n != total {
			t.Errorf("%d sessions are left, want %d, error %v", n, total, err)
		}
	}
	remove("/sessions/c?user_id=u", "")
	want(4)
	remove("/sessions?user_id=u", `{"session_ids":["a","c","nope"],"session_types":["agent","agent","team"]}`)
	want(3)
	remove("/sessions", `{"session_ids":["b","c","nope"],"session_types":["agent","team","agent"]}`)
	want(1)
}
