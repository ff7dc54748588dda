package job_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// row is a background run with its lease and since when it is due.
type row struct {
	run   host.Run
	owner string
	due   time.Time
}

// addRun stores a background run that is due since a time.
func (m *memory) addRun(id string, due time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[id] = &row{run: host.Run{ID: id, SessionID: "s-" + id, Status: host.RunPending, Background: true, Attempt: 1}, due: due}
}

// end has a run completed.
func (m *memory) end(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[id].run.Status, m.runs[id].owner = host.RunCompleted, ""
}

// run returns the status and the owner of a run.
func (m *memory) run(t *testing.T, id string) (host.RunStatus, string) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.runs[id]
	if !ok {
		t.Fatalf("no run %q", id)
	}
	return r.run.Status, r.owner
}

// claim takes a run; the caller holds the lock.
func (m *memory) claim(r *row, lease host.Lease, now time.Time) (host.RunWork, bool) {
	if r == nil || r.run.Status.Final() || r.owner != "" || r.due.After(now) {
		return host.RunWork{}, false
	}
	r.owner, r.run.Status = lease.Owner, host.RunRunning
	return host.RunWork{Run: r.run}, true
}

func (m *memory) ClaimRuns(ctx context.Context, lease host.Lease, now time.Time, limit int) ([]host.RunWork, error) {
	if err := m.enter(ctx, "ClaimRuns"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]*row, 0, len(m.runs))
	for _, r := range m.runs {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int { return strings.Compare(a.run.ID, b.run.ID) })
	var works []host.RunWork
	for _, r := range rows {
		if len(works) == limit {
			break
		}
		if work, ok := m.claim(r, lease, now); ok {
			works = append(works, work)
		}
	}
	return works, nil
}

func (m *memory) ClaimRun(ctx context.Context, lease host.Lease, now time.Time, id string) (host.RunWork, bool, error) {
	if err := m.enter(ctx, "ClaimRun"); err != nil {
		return host.RunWork{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	work, ok := m.claim(m.runs[id], lease, now)
	return work, ok, nil
}

func (m *memory) ReleaseRun(ctx context.Context, id string, attempt int) error {
	if err := m.enter(ctx, "ReleaseRun"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.runs[id]
	switch {
	case !ok:
		return host.Errorf(host.CodeNotFound, "no run")
	case r.run.Attempt != attempt || r.run.Status.Final():
		return host.ErrStale
	}
	r.owner, r.due = "", time.Now()
	return nil
}
