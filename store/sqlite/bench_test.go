package sqlite_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// BenchmarkFinishRun stores runs of 4 KB with two queued hook calls each: look at
// its profile. What the store reaches beside plain transactions is for the
// command bench to say.
func BenchmarkFinishRun(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openBench(b)
			var left atomic.Int64
			left.Store(int64(b.N))
			var group sync.WaitGroup
			b.ResetTimer()
			for range clients {
				group.Go(func() {
					for left.Add(-1) >= 0 {
						if err := storeRun(b, s); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}

func openBench(b *testing.B) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

func storeRun(b testing.TB, s *sqlite.Store) error {
	id := host.NewID()
	run := host.Run{
		ID: id, RootID: id, SessionID: id, Status: host.RunRunning, Attempt: 1,
		Component: host.Component{Kind: host.KindAgent, ID: "agent"}, CreatedAt: time.Now(),
	}
	lease := host.Lease{Owner: "node", Until: time.Now().Add(time.Minute)}
	if err := s.CreateRun(b.Context(), host.NewRun{Run: run, Lease: lease}); err != nil {
		return err
	}
	run.Status, run.Content, run.FinishedAt = host.RunCompleted, host.TextContent(strings.Repeat("x", 3200)), time.Now()
	calls := []host.HookCall{queuedCall(&run, lease), queuedCall(&run, lease)}
	return s.FinishRun(b.Context(), host.Finish{Run: run, Calls: calls})
}

func queuedCall(run *host.Run, lease host.Lease) host.HookCall {
	return host.HookCall{
		ID: host.NewID(), RunID: run.ID, SessionID: run.SessionID, Component: run.Component,
		Plugin: "plugin", Version: "1.0.0", Digest: "sha256:00", Hook: "hook", Point: pluginapi.PointOutput,
		Mode: pluginapi.ModeBackground, Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 5,
		NextAttemptAt: run.FinishedAt, CreatedAt: run.FinishedAt, Owner: lease.Owner, LeaseUntil: lease.Until,
		Spec: &host.HookCallSpec{Export: "run", Config: json.RawMessage(`{"url":"http://localhost"}`)},
	}
}
