package job_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
)

// memory is a job.Store that can be told to fail. It has no streams, checkpoints
// and sessions.
type memory struct {
	host.BackgroundStore
	// fail, when set, is asked before every method, by its name.
	fail func(method string) error

	mu        sync.Mutex
	calls     map[string]host.HookCall
	runs      map[string]*row
	cancelled []string // what RenewLeases answers
	snapshots map[string][]byte
	swept     host.Swept
	renewed   []host.Lease
	history   []host.HookCall // what FinishHookCall stored
	expired   []host.Retention
	log       []string // the methods that were called
}

var _ job.Store = (*memory)(nil)

func newMemory(calls ...host.HookCall) *memory {
	m := &memory{calls: map[string]host.HookCall{}, runs: map[string]*row{}, snapshots: map[string][]byte{"snap": []byte("{}")}}
	for _, call := range calls {
		m.calls[call.ID] = call
	}
	return m
}

// enter begins a method.
func (m *memory) enter(ctx context.Context, method string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, method)
	if m.fail != nil {
		return m.fail(method)
	}
	return nil
}

func (m *memory) count(method string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, name := range m.log {
		if name == method {
			n++
		}
	}
	return n
}

func (m *memory) addCall(call host.HookCall) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[call.ID] = call
}

// call returns the row of a call.
func (m *memory) call(t *testing.T, id string) host.HookCall {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	call, ok := m.calls[id]
	if !ok {
		t.Fatalf("no call %q", id)
	}
	return call
}

func (m *memory) HookCalls(context.Context, string) ([]host.HookCall, error) { return nil, nil }

func (m *memory) Snapshot(ctx context.Context, id string) ([]byte, error) {
	if err := m.enter(ctx, "Snapshot"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if data, ok := m.snapshots[id]; ok {
		return data, nil
	}
	return nil, host.Errorf(host.CodeNotFound, "no snapshot")
}

func (m *memory) StartHookCall(ctx context.Context, id string, attempt int, at time.Time) error {
	if err := m.enter(ctx, "StartHookCall"); err != nil {
		return err
	}
	return m.update(id, attempt, func(call *host.HookCall) {
		call.Status, call.StartedAt = host.HookCallRunning, at
	})
}

func (m *memory) FinishHookCall(ctx context.Context, attempt int, call host.HookCall) error {
	if err := m.enter(ctx, "FinishHookCall"); err != nil {
		return err
	}
	return m.update(call.ID, attempt, func(row *host.HookCall) {
		*row = call
		m.history = append(m.history, call)
	})
}

func (m *memory) ReleaseHookCall(ctx context.Context, id string, attempt int) error {
	if err := m.enter(ctx, "ReleaseHookCall"); err != nil {
		return err
	}
	return m.update(id, attempt, func(call *host.HookCall) {
		call.Status, call.Owner = host.HookCallQueued, ""
		call.Releases++
	})
}

// update changes the row of a worker that still has it.
func (m *memory) update(id string, fence int, change func(*host.HookCall)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	call, ok := m.calls[id]
	switch {
	case !ok:
		return host.Errorf(host.CodeNotFound, "no hook call")
	case call.Fence() != fence || call.Status.Final():
		return host.ErrStale
	}
	change(&call)
	m.calls[id] = call
	return nil
}

// due lists the unheld calls of a plugin, the longest due first; "" is for all.
func (m *memory) due(plugin string) []host.HookCall {
	var due []host.HookCall
	for _, call := range m.calls {
		if !call.Status.Final() && call.Owner == "" && (plugin == "" || call.Plugin == plugin) {
			due = append(due, call)
		}
	}
	slices.SortFunc(due, func(a, b host.HookCall) int {
		return cmp.Or(a.NextAttemptAt.Compare(b.NextAttemptAt), cmp.Compare(a.ID, b.ID))
	})
	return due
}

func (m *memory) ClaimHookCalls(
	ctx context.Context, lease host.Lease, now time.Time, plugin string, limit int,
) ([]host.HookCall, error) {
	if err := m.enter(ctx, "ClaimHookCalls"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var claimed []host.HookCall
	for _, call := range m.due(plugin) {
		if len(claimed) == limit || call.NextAttemptAt.After(now) {
			break
		}
		call.Owner, call.LeaseUntil = lease.Owner, lease.Until
		m.calls[call.ID] = call
		claimed = append(claimed, call)
	}
	return claimed, nil
}

func (m *memory) DueHookCalls(ctx context.Context) (map[string]time.Time, error) {
	if err := m.enter(ctx, "DueHookCalls"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	due := map[string]time.Time{}
	for _, call := range m.due("") {
		if _, ok := due[call.Plugin]; !ok {
			due[call.Plugin] = call.NextAttemptAt
		}
	}
	return due, nil
}

func (m *memory) FindHookCalls(context.Context, host.HookCallFilter, int, int) (host.HookCallPage, error) {
	return host.HookCallPage{}, nil
}

func (m *memory) Backlog(context.Context) (host.Backlog, error) { return host.Backlog{}, nil }

func (m *memory) RetryHookCall(ctx context.Context, id string, now time.Time) (host.HookCall, error) {
	if err := m.enter(ctx, "RetryHookCall"); err != nil {
		return host.HookCall{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	call, ok := m.calls[id]
	if !ok || call.Status != host.HookCallDead {
		return host.HookCall{}, host.Errorf(host.CodeConflict, "not dead")
	}
	call.Revive(now)
	m.calls[id] = call
	return call, nil
}

func (m *memory) RetryHookCalls(ctx context.Context, filter host.HookCallFilter, now time.Time, limit int) (int, error) {
	n := 0
	for id, call := range m.calls {
		if n < limit && call.Status == host.HookCallDead && call.Plugin == filter.Plugin {
			if _, err := m.RetryHookCall(ctx, id, now); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func (m *memory) Expire(ctx context.Context, before host.Retention) (host.Expired, error) {
	if err := m.enter(ctx, "Expire"); err != nil {
		return host.Expired{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expired = append(m.expired, before)
	return host.Expired{HookCalls: 1}, nil
}

func (m *memory) RenewLeases(ctx context.Context, lease host.Lease) ([]string, error) {
	if err := m.enter(ctx, "RenewLeases"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.renewed = append(m.renewed, lease)
	return m.cancelled, nil
}

func (m *memory) Sweep(ctx context.Context, _ string, _ time.Time) (host.Swept, error) {
	if err := m.enter(ctx, "Sweep"); err != nil {
		return host.Swept{}, err
	}
	return m.swept, nil
}

func (m *memory) Attend(ctx context.Context, _ string) error {
	if err := m.enter(ctx, "Attend"); err != nil {
		return err
	}
	<-ctx.Done()
	return m.enter(context.WithoutCancel(ctx), "Attended")
}

func (m *memory) ClaimHookCall(ctx context.Context, lease host.Lease, now time.Time, id string) (host.HookCall, bool, error) {
	if err := m.enter(ctx, "ClaimHookCall"); err != nil {
		return host.HookCall{}, false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	call, ok := m.calls[id]
	if !ok || call.Status.Final() || call.Owner != "" || call.NextAttemptAt.After(now) {
		return host.HookCall{}, false, nil
	}
	call.Owner, call.LeaseUntil = lease.Owner, lease.Until
	m.calls[id] = call
	return call, true, nil
}
