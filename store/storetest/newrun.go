package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func newRunTests() []test {
	return []test{
		{"is shown without its request", backgroundRun},
		{"in whole", runRequestRoundTrip},
		{"of an idempotency key", keyedRun},
		{"of an idempotency key at once", keyedAtOnce},
		{"of a full queue", fullQueue},
		{"fills a queue at once", fullQueueAtOnce},
		{"with an id that exists", enqueuedTwice},
	}
}

func backgroundRun(t *testing.T, s host.Store) {
	run := newBackgroundRun("run", "session")
	run.Parallel = true
	enqueue(t, s, run)
	wantEqual(t, run, get(s.Run(t.Context(), "run"))(t))
	wantEqual(t, newRequest(run), claimRun(t, s, "run", at(9)).Request)
}

func runRequestRoundTrip(t *testing.T, s host.Store) {
	request := filled[host.RunRequest]()
	request.IdempotencyKey = "" // is stored with the run
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newBackgroundRun("run", "session"), Request: &request}))
	wantEqual(t, &request, claimRun(t, s, "run", at(9)).Request)
}

// keyedRun: the key leads to the first run, whatever became of it, and the second
// leaves nothing.
func keyedRun(t *testing.T, s host.Store) {
	first, second := newBackgroundRun("first", "a"), newBackgroundRun("second", "b")
	foreground := newRun("foreground", "c")
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: first, IdempotencyKey: "key"}))
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: foreground, IdempotencyKey: "another", Lease: self()}))
	wantDuplicate(t, s, host.NewRun{Run: second, IdempotencyKey: "key"}, first)
	wantDuplicate(t, s, host.NewRun{Run: first, IdempotencyKey: "key", MaxQueued: 1}, first)
	wantDuplicate(t, s, host.NewRun{Run: second, IdempotencyKey: "another"}, foreground)
	_, err := s.Run(t.Context(), "second")
	wantCode(t, err, host.CodeNotFound)

	work := claimRun(t, s, "first", at(9))
	done := finished(work.Run, host.RunCompleted)
	must(t, s.FinishRun(t.Context(), host.Finish{Run: done}))
	wantDuplicate(t, s, host.NewRun{Run: second, IdempotencyKey: "key"}, done)
}

func wantDuplicate(t *testing.T, s host.Store, n host.NewRun, want host.Run) {
	t.Helper()
	var duplicate *host.DuplicateError
	if err := s.CreateRun(t.Context(), n); !errors.As(err, &duplicate) {
		t.Errorf("error %v, want a DuplicateError", err)
		return
	}
	wantEqual(t, want, duplicate.Run)
}

func keyedAtOnce(t *testing.T, s host.Store) {
	var created atomic.Int32
	inParallel(t.Context(), t, 8, func(ctx context.Context, i int) error {
		run := newBackgroundRun(fmt.Sprint(i), "session")
		err := s.CreateRun(ctx, host.NewRun{Run: run, IdempotencyKey: "key"})
		var duplicate *host.DuplicateError
		switch {
		case err == nil:
			created.Add(1)
		case !errors.As(err, &duplicate):
			return err
		}
		return nil
	})
	if n := created.Load(); n != 1 {
		t.Errorf("created %d times", n)
	}
}

func fullQueue(t *testing.T, s host.Store) {
	enqueue(t, s, newBackgroundRun("1", "a"), newBackgroundRun("2", "b"))
	foreground := newRun("foreground", "c")
	foreground.Status = host.RunPending
	create(t, s, foreground)
	third := host.NewRun{Run: newBackgroundRun("3", "d"), MaxQueued: 2}
	wantCode(t, s.CreateRun(t.Context(), third), host.CodeBusy)
	_, err := s.Run(t.Context(), "3")
	wantCode(t, err, host.CodeNotFound)
	wantBacklog(t, s, 2, 0)

	claimRun(t, s, "1", at(9))
	wantBacklog(t, s, 1, 1)
	must(t, s.CreateRun(t.Context(), third))
	wantBacklog(t, s, 2, 1)
}

func wantBacklog(t *testing.T, s host.Store, pending, running int) {
	t.Helper()
	got := get(s.Backlog(t.Context()))(t)
	if got.RunsPending != pending || got.RunsRunning != running {
		t.Errorf("%d runs are pending and %d running, want %d and %d", got.RunsPending, got.RunsRunning, pending, running)
	}
}

func fullQueueAtOnce(t *testing.T, s host.Store) {
	const room = 5
	var created atomic.Int32
	inParallel(t.Context(), t, 16, func(ctx context.Context, i int) error {
		run := newBackgroundRun(fmt.Sprint(i), "session")
		err := s.CreateRun(ctx, host.NewRun{Run: run, MaxQueued: room})
		if err == nil {
			created.Add(1)
		} else if host.CodeOf(err) != host.CodeBusy {
			return err
		}
		return nil
	})
	if n := created.Load(); n != room {
		t.Errorf("created %d runs, want %d", n, room)
	}
}

func enqueuedTwice(t *testing.T, s host.Store) {
	run := newBackgroundRun("run", "session")
	enqueue(t, s, run)
	wantCode(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Request: newRequest(run)}), host.CodeConflict)
}
