package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// nodes opens two stores on one database.
func nodes(t *testing.T, cfg postgres.Config) (a, b *postgres.Store, url string) {
	t.Helper()
	cfg.URL = postgrestest.Database(t)
	return open(t, cfg), open(t, cfg), cfg.URL
}

func leaseOf(node string) host.Lease {
	return host.Lease{Owner: node, Until: time.Now().Add(time.Minute)}
}

func newRun(id, session string) host.Run {
	return host.Run{
		ID: id, RootID: id, SessionID: session, Status: host.RunPending, Attempt: 1,
		Component: host.Component{Kind: host.KindAgent, ID: "agent"}, CreatedAt: time.Now(),
	}
}

func ended(run host.Run, status host.RunStatus) host.Run {
	run.Status, run.Content, run.FinishedAt = status, host.TextContent("answer"), time.Now()
	return run
}

func create(t *testing.T, s *postgres.Store, n host.NewRun) {
	t.Helper()
	if err := s.CreateRun(t.Context(), n); err != nil {
		t.Fatal(err)
	}
}

func finish(t *testing.T, s *postgres.Store, f host.Finish) {
	t.Helper()
	if err := s.FinishRun(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// background creates a background run that nobody holds.
func background(t *testing.T, s *postgres.Store, id, session string) host.Run {
	t.Helper()
	run := newRun(id, session)
	run.Background = true
	create(t, s, host.NewRun{Run: run, Request: &host.RunRequest{Input: host.TextContent("question")}})
	return run
}

func TestRunsOfOneSessionTakeTurnsOnAllNodes(t *testing.T) {
	t.Parallel()
	a, b, _ := nodes(t, postgres.Config{})
	var runs []host.Run
	for i, s := range []*postgres.Store{a, b, a, b, b} {
		run := newRun(fmt.Sprint(i), "session")
		create(t, s, host.NewRun{Run: run, Lease: leaseOf("node")})
		wantAhead(t, s, run, i > 0) // which puts it into its place
		runs = append(runs, run)
	}
	for i, run := range runs {
		for _, s := range []*postgres.Store{a, b} {
			wantAhead(t, s, run, false)
			for _, later := range runs[i+1:] {
				wantAhead(t, s, later, true)
			}
		}
		finish(t, a, host.Finish{Run: ended(run, host.RunCompleted)})
	}
}

func wantAhead(t *testing.T, s *postgres.Store, run host.Run, want bool) {
	t.Helper()
	if got, err := s.Ahead(t.Context(), run); err != nil || got != want {
		t.Errorf("a run is ahead of %s: %t, %v; want %t", run.ID, got, err, want)
	}
}

// TestSessionsAreNeverSharedByTwoRuns has two nodes create, carry out and end runs
// of few sessions, in the foreground and in the background.
func TestSessionsAreNeverSharedByTwoRuns(t *testing.T) {
	t.Parallel()
	const each, sessions = 40, 3
	a, b, _ := nodes(t, postgres.Config{})
	var inside sync.Map
	enter := func(run host.Run) error {
		if other, busy := inside.LoadOrStore(run.SessionID, run.ID); busy {
			return fmt.Errorf("%s and %s go on at once", other, run.ID)
		}
		return nil
	}
	leave := func(s *postgres.Store, run host.Run) error {
		inside.Delete(run.SessionID)
		return s.FinishRun(t.Context(), host.Finish{Run: ended(run, host.RunCompleted)})
	}
	var group sync.WaitGroup
	for n, s := range []*postgres.Store{a, b} {
		for client := range 4 {
			group.Go(func() {
				for i := range each {
					run := newRun(fmt.Sprintf("%d-%d-%d", n, client, i), fmt.Sprint(i%sessions))
					if err := foreground(t.Context(), s, run, enter, leave); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	group.Wait()
}

// foreground carries out a run of a session others may use.
func foreground(
	ctx context.Context, s *postgres.Store, run host.Run, enter func(host.Run) error, leave func(*postgres.Store, host.Run) error,
) error {
	if err := s.CreateRun(ctx, host.NewRun{Run: run, Lease: leaseOf("node")}); err != nil {
		return err
	}
	for ahead := true; ahead; {
		var err error
		if ahead, err = s.Ahead(ctx, run); err != nil {
			return err
		}
	}
	return errors.Join(enter(run), leave(s, run))
}

func TestBackgroundRunsAreClaimedOnce(t *testing.T) {
	t.Parallel()
	const total, sessions = 60, 20
	a, b, _ := nodes(t, postgres.Config{})
	for i := range total {
		background(t, a, fmt.Sprintf("%02d", i), fmt.Sprint(i%sessions))
	}
	var mu sync.Mutex
	var claimed []string
	var group sync.WaitGroup
	for n, s := range []*postgres.Store{a, b, a, b} {
		group.Go(func() {
			for {
				work, err := s.ClaimRuns(t.Context(), leaseOf(fmt.Sprint(n)), time.Now(), 2)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, w := range work {
					claimed = append(claimed, w.Run.ID)
				}
				done := len(claimed) >= total || err != nil
				mu.Unlock()
				for _, w := range work {
					if err := s.FinishRun(t.Context(), host.Finish{Run: ended(w.Run, host.RunCompleted)}); err != nil {
						t.Error(err)
					}
				}
				if done {
					return
				}
			}
		})
	}
	group.Wait()
	inOrder := slices.Clone(claimed)
	slices.Sort(inOrder)
	if len(slices.Compact(inOrder)) != total || len(claimed) != total {
		t.Errorf("%d claims of %d runs, want each once", len(claimed), total)
	}
	for i, id := range claimed {
		for _, later := range claimed[i+1:] {
			var m, n int
			fmt.Sscan(id, &m)
			fmt.Sscan(later, &n)
			if m%sessions == n%sessions && n < m {
				t.Errorf("%s was claimed before %s of its session", id, later)
			}
		}
	}
}

// TestCancelThatWasAnsweredHolds cancels runs from one node while another ends
// them, lazily created or not.
func TestCancelThatWasAnsweredHolds(t *testing.T) {
	t.Parallel()
	a, b, url := nodes(t, postgres.Config{})
	var group sync.WaitGroup
	for i := range 60 {
		run := newRun(fmt.Sprint(i), fmt.Sprint("session ", i))
		create(t, a, host.NewRun{Run: run, Lease: leaseOf("a"), Wait: i%2 == 0})
		group.Go(func() {
			if err := b.CancelRun(t.Context(), run.ID, time.Now()); err != nil {
				t.Error(err)
			}
		})
		group.Go(func() {
			err := a.FinishRun(t.Context(), host.Finish{Run: ended(run, host.RunCompleted)})
			if errors.Is(err, host.ErrCancelled) {
				err = a.FinishRun(t.Context(), host.Finish{Run: ended(run, host.RunCancelled)})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count(t, url, `SELECT count(*) FROM runs LEFT JOIN run_cancels ON run_id = id
		WHERE status = 'COMPLETED' AND (cancel_requested OR run_id IS NOT NULL)`); n > 0 {
		t.Errorf("%d runs COMPLETED after their cancel was answered", n)
	}
	if n := count(t, url, `SELECT count(*) FROM runs WHERE status IN ('COMPLETED', 'CANCELLED')`); n != 60 {
		t.Errorf("%d runs ended, want 60", n)
	}
}

func TestSnapshotsGoWithTheirLastCall(t *testing.T) {
	t.Parallel()
	const runs = 30
	a, b, url := nodes(t, postgres.Config{})
	var group sync.WaitGroup
	for i := range runs {
		run := newRun(fmt.Sprint(i), fmt.Sprint(i))
		create(t, a, host.NewRun{Run: run, Lease: leaseOf("a")})
		one, two := queuedCall(&run, leaseOf("a")), queuedCall(&run, leaseOf("b"))
		one.SnapshotID, two.SnapshotID = "of "+run.ID, "of "+run.ID
		finish(t, a, host.Finish{
			Run: ended(run, host.RunCompleted), Calls: []host.HookCall{one, two},
			Snapshots: []host.Snapshot{{ID: one.SnapshotID, RunID: run.ID, Context: []byte("{}")}},
		})
		for s, call := range map[*postgres.Store]host.HookCall{a: one, b: two} {
			group.Go(func() {
				call.Status = host.HookCallCompleted
				if err := s.FinishHookCall(t.Context(), 1, call); err != nil {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if n := count(t, url, `SELECT count(*) FROM snapshots`); n != 0 {
		t.Errorf("%d snapshots are left", n)
	}
}

func TestTextThatCannotBeStored(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Config{URL: postgrestest.Database(t)})
	for _, bad := range []string{"a\x00b", "\xff"} {
		run := newRun("run", bad)
		if err := s.CreateRun(t.Context(), host.NewRun{Run: run, Wait: true}); host.CodeOf(err) != host.CodeInvalid {
			t.Errorf("created a run of session %q: %v", bad, err)
		}
		if _, err := s.Run(t.Context(), bad); host.CodeOf(err) != host.CodeInvalid {
			t.Errorf("looked for run %q: %v", bad, err)
		}
	}
	run := newRun("run", "session")
	create(t, s, host.NewRun{Run: run, Lease: leaseOf("a")})
	end := ended(run, host.RunCompleted)
	end.Input, end.Metadata = []byte(`"a\u0000b"`), []byte("{\"bytes\":\"\xff\"}")
	finish(t, s, host.Finish{Run: end, Session: &host.Session{ID: "session", Title: host.SessionTitle(end.Input), State: end.Metadata}})
	got, err := s.Run(t.Context(), "run")
	if err != nil || string(got.Input) != string(end.Input) || string(got.Metadata) != string(end.Metadata) {
		t.Errorf("input %s, metadata %q, %v", got.Input, got.Metadata, err)
	}
	if session, err := s.Session(t.Context(), "session"); err != nil || session.Title != "a\uFFFDb" {
		t.Errorf("title %q, %v", session.Title, err)
	}
}

// count returns the number a query counts beside the store.
func count(t *testing.T, url, query string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var n int
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
