package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// storeWorkers finish hook calls at once, as a pool does.
const storeWorkers = 32

// storeSide stores runs of 4 KB, each with some background calls.
type storeSide struct {
	store   *sqlite.Store
	dir     string
	calls   int
	done    chan host.HookCall // nil to leave the calls queued
	workers sync.WaitGroup
	mu      sync.Mutex
	failed  error
	// context is what the calls of a run share, nil for nothing.
	context []byte
}

// openStore opens an empty store; with drain the calls are started and finished
// beside the runs, and drain waits for the last.
func (m *measurement) openStore(ctx context.Context, calls int, drain bool) (*storeSide, error) {
	dir, err := m.folder()
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(dir, "ours.db")})
	if err != nil {
		return nil, err
	}
	s := &storeSide{store: store, dir: dir, calls: calls}
	if drain {
		s.done = make(chan host.HookCall, 1024)
		for range storeWorkers {
			s.workers.Go(func() { s.work(ctx) })
		}
	}
	return s, nil
}

// drain waits for the last call; no run may follow.
func (s *storeSide) drain() {
	if s.done != nil {
		close(s.done)
	}
	s.workers.Wait()
}

// close closes the store, which is to be drained.
func (s *storeSide) close() error {
	return errors.Join(s.failed, s.store.Close(), os.RemoveAll(s.dir))
}

// work starts and finishes calls.
func (s *storeSide) work(ctx context.Context) {
	for call := range s.done {
		err := s.store.StartHookCall(ctx, call.ID, 1, time.Now())
		call.Status, call.FinishedAt = host.HookCallCompleted, time.Now()
		if err = errors.Join(err, s.store.FinishHookCall(ctx, 1, call)); err != nil {
			s.mu.Lock()
			s.failed = errors.Join(s.failed, err)
			s.mu.Unlock()
		}
	}
}

// share gives the calls of a run the context they share, where there is one.
func (s *storeSide) share(end *host.Finish) {
	if s.context == nil || len(end.Calls) == 0 {
		return
	}
	snapshot := host.Snapshot{ID: host.NewID(), RunID: end.Run.ID, Context: s.context}
	end.Snapshots = []host.Snapshot{snapshot}
	for i := range end.Calls {
		end.Calls[i].SnapshotID = snapshot.ID
	}
}

// finish stores one run with its calls.
func (s *storeSide) finish(ctx context.Context) error {
	run := newStoredRun()
	lease := host.Lease{Owner: "node", Until: time.Now().Add(time.Minute)}
	if err := s.store.CreateRun(ctx, host.NewRun{Run: run, Lease: lease}); err != nil {
		return err
	}
	end := newStoredEnd(run, s.calls, lease)
	s.share(&end)
	if err := s.store.FinishRun(ctx, end); err != nil {
		return err
	}
	if s.done != nil {
		for _, call := range end.Calls {
			s.done <- call
		}
	}
	return nil
}

func newStoredRun() host.Run {
	id := host.NewID()
	return host.Run{
		ID: id, RootID: id, SessionID: id, Status: host.RunRunning, Attempt: 1,
		Component: host.Component{Kind: host.KindAgent, ID: "a"}, CreatedAt: time.Now(),
	}
}

// newStoredEnd is the end of a run of 4 KB with some background calls.
func newStoredEnd(run host.Run, calls int, lease host.Lease) host.Finish {
	run.Status, run.Content, run.FinishedAt = host.RunCompleted, storedText(), time.Now()
	end := host.Finish{Run: run}
	for range calls {
		end.Calls = append(end.Calls, newStoredCall(&run, lease))
	}
	return end
}

// storedText is an answer of 3,200 characters. It repeats itself no more than
// prose does: PostgreSQL compresses what it stores.
var storedText = sync.OnceValue(func() json.RawMessage {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same text every time
	var text strings.Builder
	for text.Len() < 3200 {
		for range 2 + random.IntN(9) {
			text.WriteByte('a' + byte(random.IntN(26)))
		}
		text.WriteByte(' ')
	}
	return host.TextContent(text.String()[:3200])
})

func newStoredCall(run *host.Run, lease host.Lease) host.HookCall {
	return host.HookCall{
		ID: host.NewID(), RunID: run.ID, SessionID: run.SessionID, Component: run.Component,
		Plugin: "plugin", Version: "1.0.0", Digest: "sha256:00", Hook: "hook", Point: pluginapi.PointOutput,
		Mode: pluginapi.ModeBackground, Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 5,
		NextAttemptAt: run.FinishedAt, CreatedAt: run.FinishedAt, Owner: lease.Owner, LeaseUntil: lease.Until,
		Spec: &host.HookCallSpec{Export: "run", Config: json.RawMessage(`{"url":"http://localhost"}`)},
	}
}

// repeat has the clients finish runs for d and returns how many they finished.
func repeat(ctx context.Context, clients int, d time.Duration, finish func(context.Context) error) (int, error) {
	var wait sync.WaitGroup
	finished, errs := make([]int, clients), make([]error, clients)
	end := time.Now().Add(d)
	for client := range clients {
		wait.Go(func() {
			for time.Now().Before(end) {
				if errs[client] = finish(ctx); errs[client] != nil {
					return
				}
				finished[client]++
			}
		})
	}
	wait.Wait()
	total := 0
	for _, n := range finished {
		total += n
	}
	return total, errors.Join(errs...)
}

// times has the clients act so often each.
func times(ctx context.Context, clients, n int, act func(context.Context) error) error {
	var group errgroup.Group
	for range clients {
		group.Go(func() error {
			for range n {
				if err := act(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// perSecond is a rate.
func perSecond(n int, begin time.Time) float64 { return float64(n) / time.Since(begin).Seconds() }

// storeSetting is one way to use the store, with what it is to reach of the
// plain transaction's rate.
type storeSetting struct {
	clients int
	drain   bool
	aim     aim
	rates   []float64
}

// stores compares finished runs in the store alone with plain transactions of
// three prepared inserts, one at a time on the same settings.
func (m *measurement) stores(ctx context.Context) error {
	settings := []*storeSetting{
		{clients: 1, aim: atLeast(0.7)}, {clients: 8, aim: atLeast(2)},
		{clients: 1, drain: true}, {clients: 8, drain: true},
	}
	var plainRates []float64
	for range m.rounds {
		r, err := m.plainRate(ctx)
		if err != nil {
			return fmt.Errorf("plain: %w", err)
		}
		plainRates = append(plainRates, r)
		for _, s := range settings {
			if r, err = m.storeRate(ctx, s); err != nil {
				return err
			}
			s.rates = append(s.rates, r)
		}
	}
	fmt.Printf("\n%-40s %8s %10s %14s\n", "a run of 4 KB and 2 background calls", "clients", "runs/s", "of plain")
	fmt.Printf("%-40s %8d %10.0f %13.2fx\n", "plain transaction, three inserts", 1, median(plainRates), 1.0)
	for _, s := range settings {
		name := "store, calls queued"
		if s.drain {
			name = "store, calls started and finished too"
		}
		ratio := median(ratios(s.rates, plainRates))
		fmt.Printf("%-40s %8d %10.0f %13.2fx  %s\n", name, s.clients, median(s.rates), ratio, s.aim.verdict(ratio))
	}
	return nil
}

func (m *measurement) storeRate(ctx context.Context, setting *storeSetting) (float64, error) {
	s, err := m.openStore(ctx, 2, setting.drain)
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	n, err := repeat(ctx, setting.clients, m.span/3, s.finish)
	s.drain() // the last call counts too
	r := perSecond(n, begin)
	return r, errors.Join(err, s.close())
}
