package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// mostRestart is how long after the start of the process the first call that a
// dead process left may start, in milliseconds.
var mostRestart = atMost(100)

// restarts measures how long a host that is started again takes until it makes
// the first background call that a dead process left. The guest is in C, and its
// compiled module in the cache.
func (m *measurement) restarts(ctx context.Context) error {
	orphans := max(100, m.many/100)
	var took []time.Duration
	for range m.rounds {
		d, err := m.restart(ctx, orphans)
		if err != nil {
			return err
		}
		took = append(took, d)
	}
	middle := median(took).Round(10 * time.Microsecond)
	fmt.Printf("\nstart of the process to the first of %d orphaned calls: %v  ms: %s\n",
		orphans, middle, mostRestart.verdict(milliseconds(middle)))
	return nil
}

// restart is one restart in a fresh folder.
func (m *measurement) restart(ctx context.Context, orphans int) (time.Duration, error) {
	dir, err := m.folder()
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	with := setup{hooks: noteHook, plugins: []string{noteName}}
	// The first start installs the plugin.
	s, err := startHost(ctx, dir, with)
	if err != nil {
		return 0, err
	}
	if err := s.stop(); err != nil {
		return 0, err
	}
	runID, err := leaveOrphans(ctx, dir, orphans)
	if err != nil {
		return 0, err
	}
	time.Sleep(settle)
	began := time.Now()
	if s, err = startHost(ctx, dir, with); err != nil {
		return 0, err
	}
	time.Sleep(settle) // the host works, nobody asks it anything
	if err := s.stop(); err != nil {
		return 0, err
	}
	started, err := firstStart(ctx, dir, runID)
	return started.Sub(began), err
}

// withStore opens the database of a host that is stopped.
func withStore(ctx context.Context, dir string, act func(*sqlite.Store) error) error {
	store, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "host.db")})
	if err != nil {
		return err
	}
	return errors.Join(act(store), store.Close())
}

// leaveOrphans stores a run whose calls are held by a process that is dead.
func leaveOrphans(ctx context.Context, dir string, n int) (runID string, err error) {
	run := newStoredRun()
	err = withStore(ctx, dir, func(store *sqlite.Store) error {
		plugins, err := store.Plugins(ctx)
		if err != nil {
			return err
		}
		lease := host.Lease{Owner: "dead", Until: time.Now()}
		if err := store.CreateRun(ctx, host.NewRun{Run: run, Lease: lease}); err != nil {
			return err
		}
		finish, err := orphaned(run, plugins, lease, n)
		if err != nil {
			return err
		}
		return store.FinishRun(ctx, finish)
	})
	return run.ID, err
}

// orphaned is the end of a run with n calls of the plugin length-note.
func orphaned(run host.Run, plugins []host.Plugin, lease host.Lease, n int) (host.Finish, error) {
	run.Status, run.FinishedAt = host.RunCompleted, time.Now()
	guest, err := guests()[0].context()
	if err != nil {
		return host.Finish{}, err
	}
	stored, err := hook.Snapshot(guest)
	if err != nil {
		return host.Finish{}, err
	}
	snapshot := host.Snapshot{ID: host.NewID(), RunID: run.ID, Context: stored}
	end := host.Finish{Run: run, Snapshots: []host.Snapshot{snapshot}}
	for _, p := range plugins {
		if p.Name != noteName {
			continue
		}
		for range n {
			call := newStoredCall(&run, lease)
			call.Plugin, call.Version, call.Digest = p.Name, p.Version, p.Digest
			call.Hook, call.Point, call.SnapshotID = p.Manifest.Hooks[0].Name, pluginapi.PointInput, snapshot.ID
			call.Spec.Export, call.Spec.Config = p.Manifest.Hooks[0].Export, []byte(`{"max_length":1000}`)
			end.Calls = append(end.Calls, call)
		}
	}
	if len(end.Calls) == 0 {
		return end, errors.New("the host did not install length-note")
	}
	return end, nil
}

// firstStart is when the first of the run's calls was started that ended well.
func firstStart(ctx context.Context, dir, runID string) (first time.Time, err error) {
	err = withStore(ctx, dir, func(store *sqlite.Store) error {
		calls, err := store.HookCalls(ctx, runID)
		for _, call := range calls {
			if call.Status == host.HookCallCompleted && (first.IsZero() || call.StartedAt.Before(first)) {
				first = call.StartedAt
			}
		}
		if err == nil && first.IsZero() {
			err = errors.New("no orphaned call was made")
		}
		return err
	})
	return first, err
}
