// Package river moves due work between nodes with the River queue on PostgreSQL.
// A job is one id: the row it names says what is to be done and who does it, so
// a job that is lost, late or repeated does no harm.
package river

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	queueRuns  = "runs"
	queueHooks = "hooks"

	// fetchCooldown also keeps an inserting client from telling of a job that
	// follows another within it.
	fetchCooldown = time.Millisecond
	// fetchPoll bounds how long a due job waits that nobody was told of.
	fetchPoll = 250 * time.Millisecond
	// startPause follows a start that the database did not take part in.
	startPause = 500 * time.Millisecond
	// jobTimeout is for handing over a call; a run has runTimeout, after which it
	// goes on without its job. A job of a dead node is put back after that long.
	jobTimeout  = 30 * time.Second
	runTimeout  = time.Hour
	rescueAfter = time.Minute
	// Rows of jobs are of no use once the job is done.
	keepDone = time.Minute
	keepLost = time.Hour
)

// Handler does what jobs say. An error has the job tried again, here or elsewhere.
type Handler struct {
	// Run carries out a run that is due, and returns when it is over. It returns
	// soon after ctx ends.
	Run func(ctx context.Context, id string) error
	// HookCall sees to a call of a plugin that is due. It returns how long to put
	// the call off, 0 when the job is done.
	HookCall func(ctx context.Context, id, plugin string) (putOff time.Duration, err error)
}

// Config is what a Client needs; zero numbers take the default.
type Config struct {
	// Pool is River's own: one connection listens, others fetch and complete jobs.
	// Eight are enough: what jobs do has its own.
	Pool *pgxpool.Pool
	// Node names this client among all on the database.
	Node    string
	Handler Handler
	// RunWorkers is how many runs go on at once; 32 by default. It should be as
	// many as the handler can carry out, or jobs wait here that others could do.
	RunWorkers int
	// HookWorkers is how many calls are handed over at once; 16 by default.
	HookWorkers int
	// SoftStop is how long the jobs of a stopping client may go on; 20 s by default.
	SoftStop time.Duration
	Log      *slog.Logger
}

func (c Config) validate() error {
	if c.Pool == nil || c.Node == "" || c.Handler.Run == nil || c.Handler.HookCall == nil || c.Log == nil {
		return errors.New("pool, node, handler and log are required")
	}
	if min(c.RunWorkers, c.HookWorkers) < 0 || c.SoftStop < 0 {
		return errors.New("workers and soft stop must not be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.RunWorkers == 0 {
		c.RunWorkers = 32
	}
	if c.HookWorkers == 0 {
		c.HookWorkers = 16
	}
	if c.SoftStop == 0 {
		c.SoftStop = 20 * time.Second
	}
	return c
}

// Client takes jobs of all nodes.
type Client struct {
	client *river.Client[pgx.Tx]
	log    *slog.Logger
}

// New makes a client; nothing runs before Run.
func New(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("new river client: %w", err)
	}
	cfg = cfg.withDefaults()
	workers := river.NewWorkers()
	river.AddWorker(workers, &runWorker{run: cfg.Handler.Run})
	river.AddWorker(workers, &hookWorker{call: cfg.Handler.HookCall})
	client, err := river.NewClient(riverpgxv5.New(cfg.Pool), &river.Config{
		ID:      cfg.Node,
		Workers: workers,
		Queues: map[string]river.QueueConfig{
			queueRuns:  {MaxWorkers: cfg.RunWorkers},
			queueHooks: {MaxWorkers: cfg.HookWorkers},
		},
		FetchCooldown:               fetchCooldown,
		FetchPollInterval:           fetchPoll,
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		SoftStopTimeout:             cfg.SoftStop,
		RetryPolicy:                 retries{},
		ErrorHandler:                &failures{log: cfg.Log},
		CompletedJobRetentionPeriod: keepDone,
		CancelledJobRetentionPeriod: keepDone,
		DiscardedJobRetentionPeriod: keepLost,
		Logger:                      warnings(cfg.Log),
	})
	if err != nil {
		return nil, fmt.Errorf("new river client: %w", err)
	}
	return &Client{client: client, log: cfg.Log}, nil
}

// Run takes jobs until ctx ends and those it has are done, or were cancelled after
// SoftStop and put back. It waits for a database that is away.
func (c *Client) Run(ctx context.Context) error {
	for err := c.client.Start(ctx); err != nil && ctx.Err() == nil; err = c.client.Start(ctx) {
		c.log.Error("start river client", "error", err)
		select {
		case <-time.After(startPause):
		case <-ctx.Done():
		}
	}
	<-c.client.Stopped() // also after a start that ctx ended
	return nil
}

// Migrate brings River's tables up to date. Nodes may do so at once.
func Migrate(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: warnings(log)})
	if err != nil {
		return fmt.Errorf("migrate river: %w", err)
	}
	// The transaction holds the lock; the migrations have theirs.
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('snaphook river migration'))`); err != nil {
			return err
		}
		_, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
		return err
	})
	if err != nil {
		return fmt.Errorf("migrate river: %w", err)
	}
	return nil
}
