package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// TestOlderHookCallsAreListed: calls of a database from before they were listed
// are found, claimed, and grow old.
func TestOlderHookCallsAreListed(t *testing.T) {
	t.Parallel()
	ended := time.Date(2026, time.March, 4, 5, 6, 7, 0, time.FixedZone("", 3600))
	path := filepath.Join(t.TempDir(), "old.db")
	migrateTo(t, path, 3,
		oldHookCall("dead", host.HookCallDead, `{"session_id":"session","plugin":"p","hook":"h","mode":"background",
			"logs":[{"message":"oh"}],"created_at":"2026-03-04T05:06:07+01:00","finished_at":"2026-03-04T05:06:07+01:00"}`),
		oldHookCall("due", host.HookCallQueued, `{"session_id":"session","plugin":"p","hook":"h","mode":"background",
			"logs":[],"created_at":"2026-03-04T05:06:07+01:00"}`))
	s, err := open(t.Context(), Config{Path: path}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	found, err := s.FindHookCalls(t.Context(), host.HookCallFilter{
		Status: host.HookCallDead, Plugin: "p", Hook: "h", SessionID: "session", Mode: pluginapi.ModeBackground,
	}, 0, 5)
	if err != nil || len(found.Calls) != 1 || found.Total != 1 {
		t.Errorf("found %+v, %v", found, err)
	}
	plugins, err := s.DueHookCalls(t.Context())
	if diff := cmp.Diff(map[string]time.Time{"p": time.Unix(0, 5).UTC()}, plugins); err != nil || diff != "" {
		t.Errorf("due (-want +got), %v:\n%s", err, diff)
	}
	for _, test := range []struct {
		before host.Retention
		want   host.Expired
	}{
		{host.Retention{HookCalls: ended, Logs: ended}, host.Expired{}},
		{host.Retention{Logs: ended.Add(1)}, host.Expired{Logs: 1}},
		{host.Retention{HookCalls: ended.Add(1)}, host.Expired{HookCalls: 1}},
	} {
		gone, err := s.Expire(t.Context(), test.before)
		if err != nil || gone != test.want {
			t.Errorf("before %+v: expired %+v, %v; want %+v", test.before, gone, err, test.want)
		}
	}
}

// oldHookCall inserts a background call that nobody holds.
func oldHookCall(id string, status host.HookCallStatus, doc string) string {
	return fmt.Sprintf(`INSERT INTO hook_calls
			(id, run_id, sequence, position, status, attempt, max_attempts, owner, lease_until, next_attempt_at,
			started_at, snapshot_id, doc)
		VALUES ('%s', 'run', 0, 0, '%s', 1, 1, '', 0, 5, 0, '', '%s')`, id, status, doc)
}
