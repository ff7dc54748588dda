package postgres_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// member is the end of a run inside root, with a call that is due.
func member(root host.Run) host.Finish {
	run := ended(newRun("member", root.SessionID), host.RunCompleted)
	run.ParentID, run.RootID, run.Attempt = root.ID, root.ID, root.Attempt
	call := host.HookCall{
		ID: "call", RunID: run.ID, SessionID: run.SessionID, Plugin: "plugin",
		Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 1,
	}
	return host.Finish{Run: run, Calls: []host.HookCall{call}}
}

// given is a background run that has been claimed and given back: its last worker
// may not know.
func given(t *testing.T, s *postgres.Store) host.Run {
	t.Helper()
	background(t, s, "root", "session")
	work, claimed, err := s.ClaimRun(t.Context(), leaseOf("a"), time.Now(), "root")
	if !claimed || err != nil {
		t.Fatalf("claimed %t, error %v", claimed, err)
	}
	if err := s.ReleaseRun(t.Context(), "root", work.Run.Attempt); err != nil {
		t.Fatal(err)
	}
	return work.Run
}

// TestMemberKeepsItsRoot: while a run inside another one is being stored, nobody
// gets the other one.
func TestMemberKeepsItsRoot(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	other := open(t, postgres.Config{URL: url})
	root := given(t, other)
	claim := func(ctx context.Context) bool {
		_, claimed, err := other.ClaimRun(ctx, leaseOf("b"), time.Now(), "root")
		if err != nil {
			t.Error(err)
		}
		return claimed
	}
	meanwhile := func(ctx context.Context, _ pgx.Tx, _ []host.Job) error {
		if claim(ctx) {
			t.Error("the root was claimed meanwhile")
		}
		return nil
	}
	finish(t, open(t, postgres.Config{URL: url, Insert: meanwhile}), member(root))
	if !claim(t.Context()) {
		t.Error("the root cannot be claimed")
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	return conn
}

// TestMemberWaitsForTheClaim of its root, and is refused.
func TestMemberWaitsForTheClaim(t *testing.T) {
	t.Parallel()
	s, _, url := nodes(t, postgres.Config{})
	end := member(given(t, s))
	watching := connect(t, url)
	claim, err := connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim.Exec(t.Context(), `UPDATE runs SET attempt = attempt + 1, owner = 'b' WHERE id = 'root'`); err != nil {
		t.Fatal(err)
	}
	stored := make(chan error, 1)
	go func() { stored <- s.FinishRun(t.Context(), end) }()
	for waiting := false; !waiting; {
		select {
		case err := <-stored:
			t.Fatalf("stored during the claim: %v", err)
		default:
		}
		if err := watching.QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	if err := claim.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-stored; !errors.Is(err, host.ErrStale) {
		t.Errorf("error %v, want ErrStale", err)
	}
}
