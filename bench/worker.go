package main

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"runtime"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/job/river"
	"github.com/snaphook-dev/snaphook/store/postgres"
)

// workerName is the node that every worker is: each has a database of its own.
const workerName = "node"

// worker is what a host has for its hook calls on PostgreSQL, wired as in a host.
// Its guests end at once.
type worker struct {
	host.Unobserved
	store      *postgres.Store
	jobs       *pgxpool.Pool // River's
	pool       *pool.Pool
	supervisor *job.Supervisor

	// called is told of each call that starts, with its context.
	called func(snapshot []byte)
	// room is for the calls that are not over.
	room *semaphore.Weighted
	most int64
}

// openWorker makes a worker that has at most so many calls at a time; nothing runs
// before start.
func openWorker(ctx context.Context, url string, most int64, called func(snapshot []byte)) (*worker, error) {
	log := slog.New(slog.DiscardHandler)
	jobs, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	w := &worker{jobs: jobs, called: called, room: semaphore.NewWeighted(most), most: most}
	if err := w.build(ctx, url, log); err != nil {
		jobs.Close()
		return nil, err
	}
	return w, nil
}

func (w *worker) build(ctx context.Context, url string, log *slog.Logger) error {
	if err := river.Migrate(ctx, w.jobs, log); err != nil {
		return err
	}
	inserter, err := river.NewInserter(log)
	if err != nil {
		return err
	}
	if w.pool, err = pool.New(pool.Config{}); err != nil {
		return err
	}
	if w.store, err = postgres.Open(ctx, postgres.Config{URL: url, Insert: inserter.Insert, Log: log}); err != nil {
		return err
	}
	w.supervisor, err = job.New(job.Config{
		Store: w.store, Pool: w.pool, Node: workerName, Handlers: job.Handlers{HookCall: w.call},
		// Whoever is told of a call makes it: nobody looks for calls meanwhile.
		Grace: time.Hour, Sweep: 500 * time.Millisecond, Observer: w, Log: log,
	})
	return err
}

// call makes one attempt of a hook call.
func (w *worker) call(_ context.Context, call host.HookCall, snapshot []byte) host.HookCall {
	w.called(snapshot)
	call.Outcome = host.OutcomeAllowed
	return call
}

// HookSettled implements host.Observer.
func (w *worker) HookSettled(*host.HookCall) { w.room.Release(1) }

// drain waits until all calls are over.
func (w *worker) drain(ctx context.Context) error {
	if err := w.room.Acquire(ctx, w.most); err != nil {
		return err
	}
	w.room.Release(w.most)
	return nil
}

// handOver stores a run of 4 KB with two calls that this node holds, and hands
// them to the pool; their context is when they were committed.
func (w *worker) handOver(ctx context.Context) error {
	lease := host.Lease{Owner: workerName, Until: time.Now().Add(10 * time.Second)}
	run := newStoredRun()
	if err := w.store.CreateRun(ctx, host.NewRun{Run: run, Lease: lease}); err != nil {
		return err
	}
	end := newStoredEnd(run, 2, lease)
	if err := w.room.Acquire(ctx, int64(len(end.Calls))); err != nil {
		return err
	}
	for i := range end.Calls {
		end.Calls[i].Plugin += strconv.Itoa(i) // a pool is never one plugin's alone
		if w.pool.Reserve(end.Calls[i].Plugin, 1) == 0 {
			return errors.New("the pool is full")
		}
	}
	if err := w.store.FinishRun(ctx, end); err != nil {
		return err
	}
	committed := binary.NativeEndian.AppendUint64(nil, uint64(time.Now().UnixNano()))
	for _, call := range end.Calls {
		w.pool.Submit(pool.Job{Call: call, Snapshot: committed})
	}
	// A client's next run would come over a connection, behind what is ready then;
	// here its encoding would go first.
	runtime.Gosched()
	return nil
}

// leave stores a run of 4 KB with calls that nobody holds.
func (w *worker) leave(ctx context.Context, calls int) error {
	run := newStoredRun()
	lease := host.Lease{Owner: workerName, Until: time.Now().Add(10 * time.Second)}
	if err := w.store.CreateRun(ctx, host.NewRun{Run: run, Lease: lease}); err != nil {
		return err
	}
	end := newStoredEnd(run, calls, host.Lease{})
	end.Snapshots = []host.Snapshot{{ID: host.NewID(), RunID: run.ID, Context: []byte(`{}`)}}
	for i := range end.Calls {
		end.Calls[i].SnapshotID = end.Snapshots[0].ID
	}
	if err := w.room.Acquire(ctx, int64(calls)); err != nil {
		return err
	}
	return w.store.FinishRun(ctx, end)
}

// start sets the worker going, with so many of River's workers for hook calls;
// stop ends it.
func (w *worker) start(ctx context.Context, hookWorkers int) (stop func() error, err error) {
	client, err := river.New(river.Config{
		Pool: w.jobs, Node: workerName, HookWorkers: hookWorkers, Log: slog.New(slog.DiscardHandler),
		Handler: river.Handler{Run: w.supervisor.DueRun, HookCall: w.supervisor.DueHookCall},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return w.store.Listen(ctx, w.supervisor.Receive) })
	group.Go(func() error { return w.supervisor.Run(ctx) })
	group.Go(func() error { return client.Run(ctx) })
	return func() error {
		cancel()
		return group.Wait()
	}, nil
}

func (w *worker) close() error {
	err := w.store.Close()
	w.jobs.Close()
	return err
}
