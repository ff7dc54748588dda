package postgres_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// inserted collects the jobs a store hands on.
type inserted struct {
	mu   sync.Mutex
	jobs []host.Job
	err  error
}

func (i *inserted) insert(ctx context.Context, tx pgx.Tx, jobs []host.Job) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.jobs = append(i.jobs, jobs...)
	if i.err != nil {
		return i.err
	}
	return tx.QueryRow(ctx, "SELECT 1").Scan(new(int)) // it is the open transaction
}

// want expects the jobs since the last time.
func (i *inserted) want(t *testing.T, when string, want ...host.Job) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	if diff := cmp.Diff(want, i.jobs, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
	i.jobs = nil
}

func openInserting(t *testing.T) (*postgres.Store, *inserted) {
	t.Helper()
	i := &inserted{}
	return open(t, postgres.Config{URL: postgrestest.Database(t), Insert: i.insert}), i
}

func jobOf(id string) host.Job { return host.Job{Kind: host.JobRun, ID: id} }

func TestDueRunsAreHandedOn(t *testing.T) {
	t.Parallel()
	s, jobs := openInserting(t)
	first := background(t, s, "first", "session")
	jobs.want(t, "created", jobOf("first"))
	second := background(t, s, "second", "session")
	jobs.want(t, "created behind another", jobOf("second"))
	held := newRun("held", "session")
	held.Background = true
	create(t, s, host.NewRun{Run: held, Lease: leaseOf("dead")})
	create(t, s, host.NewRun{Run: newRun("foreground", "other"), Lease: leaseOf("node"), Wait: true})
	jobs.want(t, "held")

	work, _, err := s.ClaimRun(t.Context(), leaseOf("node"), time.Now(), first.ID)
	if err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "claimed")
	if err := s.ReleaseRun(t.Context(), first.ID, work.Run.Attempt); err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "released", jobOf("first"))
	finish(t, s, host.Finish{Run: ended(work.Run, host.RunCompleted)})
	jobs.want(t, "ended before another", jobOf("second"))
	finish(t, s, host.Finish{Run: ended(second, host.RunCompleted)})
	jobs.want(t, "ended before one that is held")
	if _, err := s.Sweep(t.Context(), "node", time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "swept", jobOf("held"))
}

func TestDueHookCallsAreHandedOn(t *testing.T) {
	t.Parallel()
	s, jobs := openInserting(t)
	run, due := newRun("run", "session"), time.Now().Add(time.Hour)
	create(t, s, host.NewRun{Run: run, Lease: leaseOf("node")})
	held, free := queuedCall(&run, leaseOf("node")), queuedCall(&run, host.Lease{})
	lost := queuedCall(&run, host.Lease{Owner: "dead", Until: time.Now()})
	free.NextAttemptAt, held.SnapshotID = due, "snapshot"
	finish(t, s, host.Finish{
		Run: ended(run, host.RunCompleted), Calls: []host.HookCall{held, free, lost},
		Snapshots: []host.Snapshot{{ID: "snapshot", RunID: "run", Context: []byte("{}")}},
	})
	job := func(call host.HookCall, at time.Time) host.Job {
		return host.Job{Kind: host.JobHookCall, ID: call.ID, Plugin: call.Plugin, At: at}
	}
	jobs.want(t, "inserted unheld", job(free, due))

	if err := s.ReleaseHookCall(t.Context(), held.ID, 1); err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "released", job(held, time.Time{}))
	held.Attempt, held.NextAttemptAt = 2, due
	if err := s.FinishHookCall(t.Context(), 2, held); err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "to be retried", job(held, due))
	held.Status = host.HookCallDead
	if err := s.FinishHookCall(t.Context(), 3, held); err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "dead")
	if _, err := s.RetryHookCall(t.Context(), held.ID, due); err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "revived", job(held, due))
	if _, err := s.Sweep(t.Context(), "node", time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	jobs.want(t, "swept", job(lost, time.Time{}))
}

// TestNothingIsDueThatIsNotHandedOn: without its job a row is not written.
func TestNothingIsDueThatIsNotHandedOn(t *testing.T) {
	t.Parallel()
	s, jobs := openInserting(t)
	run := newRun("run", "session")
	create(t, s, host.NewRun{Run: run, Lease: leaseOf("node")})
	jobs.err = errors.New("no room")
	other := newRun("other", "other")
	other.Background = true
	if err := s.CreateRun(t.Context(), host.NewRun{Run: other}); !errors.Is(err, jobs.err) {
		t.Errorf("created: %v", err)
	}
	end := host.Finish{Run: ended(run, host.RunCompleted), Calls: []host.HookCall{queuedCall(&run, host.Lease{})}}
	if err := s.FinishRun(t.Context(), end); !errors.Is(err, jobs.err) {
		t.Errorf("ended: %v", err)
	}
	if _, err := s.Run(t.Context(), "other"); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("the run is there: %v", err)
	}
	if got, err := s.Run(t.Context(), "run"); err != nil || got.Status != host.RunPending {
		t.Errorf("the run is %s, %v", got.Status, err)
	}
	jobs.err = nil
	finish(t, s, end)
	if calls, err := s.HookCalls(t.Context(), "run"); err != nil || len(calls) != 1 {
		t.Errorf("calls %v, %v", calls, err)
	}
	if i := slices.IndexFunc(jobs.jobs, func(j host.Job) bool { return j.Kind == host.JobHookCall }); i < 0 {
		t.Error("the call was not handed on")
	}
}
