package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// bareRiver is River without anything of the host, as quick as its settings make
// it.
type bareRiver struct {
	pool    *pgxpool.Pool
	client  *river.Client[pgx.Tx]
	jobs    int
	started chan time.Time
	running bool
}

func openBareRiver(ctx context.Context, url string, jobs int) (_ openQueue, err error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	r := &bareRiver{pool: pool, jobs: jobs, started: make(chan time.Time, jobs)}
	if err := r.build(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return r, nil
}

// build makes the tables, the client and the jobs that wait.
func (r *bareRiver) build(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler)
	driver := riverpgxv5.New(r.pool)
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: log})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, &nothing{started: r.started})
	r.client, err = river.NewClient(driver, &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: queueWorkers}},
		FetchCooldown: time.Millisecond, FetchPollInterval: 250 * time.Millisecond, Logger: log,
	})
	if err != nil {
		return err
	}
	waiting := make([]river.InsertManyParams, r.jobs)
	for i := range waiting {
		waiting[i].Args = nothingArgs{}
	}
	_, err = r.client.InsertMany(ctx, waiting)
	return err
}

func (r *bareRiver) work(ctx context.Context) error {
	completed, cancel := r.client.SubscribeConfig(&river.SubscribeConfig{
		ChanSize: r.jobs, Kinds: []river.EventKind{river.EventKindJobCompleted},
	})
	defer cancel()
	if err := r.client.Start(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	r.running = true
	for range r.jobs {
		<-r.started
	}
	for range r.jobs {
		<-completed
	}
	return nil
}

func (r *bareRiver) start(ctx context.Context) (time.Duration, error) {
	if _, err := r.client.Insert(ctx, nothingArgs{}, nil); err != nil {
		return 0, err
	}
	committed := time.Now()
	return (<-r.started).Sub(committed), nil
}

func (r *bareRiver) close() (err error) {
	if r.running {
		err = r.client.Stop(context.Background())
	}
	r.pool.Close()
	return err
}

// nothingArgs are a job of nothing.
type nothingArgs struct{}

// Kind implements river.JobArgs.
func (nothingArgs) Kind() string { return "nothing" }

// nothing says when its jobs were started.
type nothing struct {
	river.WorkerDefaults[nothingArgs]
	started chan<- time.Time
}

// Work implements river.Worker.
func (n *nothing) Work(context.Context, *river.Job[nothingArgs]) error {
	n.started <- time.Now()
	return nil
}
