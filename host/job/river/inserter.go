package river

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	// clockSkew is how far apart the clocks of nodes and the database may be: what
	// is due now is that old at once, or it would wait for the slower clock.
	clockSkew = time.Second
	// soon is what River's scheduler, which looks every 5 s, might come too late for.
	soon = 10 * time.Second
	// maxAttempts is small: a row whose job is lost is found by those who look.
	maxAttempts = 10
)

// inserters take turns. Each keeps from telling of a job that follows another of
// its own within fetchCooldown, and that job may be committed after the first was
// fetched: it would wait for a poll.
const inserters = 16

// Inserter adds jobs. It is safe for concurrent use.
type Inserter struct {
	clients [inserters]*river.Client[pgx.Tx]
	turn    atomic.Uint32
}

// NewInserter makes an inserter, which needs no connection of its own.
func NewInserter(log *slog.Logger) (*Inserter, error) {
	i := &Inserter{}
	driver := riverpgxv5.New(nil)
	for n := range i.clients {
		client, err := river.NewClient(driver, &river.Config{
			FetchCooldown: fetchCooldown, MaxAttempts: maxAttempts,
			Hooks: []rivertype.Hook{&promptly{}}, Logger: warnings(log),
		})
		if err != nil {
			return nil, fmt.Errorf("new river inserter: %w", err)
		}
		i.clients[n] = client
	}
	return i, nil
}

// Insert adds jobs in the transaction that makes their rows due. After its commit
// a client of some node is told.
func (i *Inserter) Insert(ctx context.Context, tx pgx.Tx, jobs []host.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	now := time.Now()
	for n, job := range jobs {
		var err error
		if params[n], err = insertParams(job, now); err != nil {
			return fmt.Errorf("insert jobs: %w", err)
		}
	}
	client := i.clients[i.turn.Add(1)%inserters]
	if _, err := client.InsertManyTx(ctx, tx, params); err != nil {
		return fmt.Errorf("insert jobs: %w", err)
	}
	return nil
}

func insertParams(job host.Job, now time.Time) (river.InsertManyParams, error) {
	at := job.At
	if !at.After(now) {
		at = now.Add(-clockSkew)
	}
	opts := &river.InsertOpts{ScheduledAt: at}
	switch {
	case job.ID == "":
		return river.InsertManyParams{}, fmt.Errorf("a %s job has no id", job.Kind)
	case job.Kind == host.JobRun:
		opts.Queue = queueRuns
		return river.InsertManyParams{Args: runArgs{ID: job.ID}, InsertOpts: opts}, nil
	case job.Kind != host.JobHookCall:
		return river.InsertManyParams{}, fmt.Errorf("job %s is of the unknown kind %q", job.ID, job.Kind)
	case job.Plugin == "":
		return river.InsertManyParams{}, fmt.Errorf("the job of hook call %s has no plugin", job.ID)
	}
	opts.Queue = queueHooks
	return river.InsertManyParams{Args: hookCallArgs{ID: job.ID, Plugin: job.Plugin}, InsertOpts: opts}, nil
}

// promptly makes what is due soon available already, as River does with retries:
// workers leave it alone until then, and no scheduler has to come by.
type promptly struct{ river.HookDefaults }

// InsertBegin implements rivertype.HookInsertBegin.
func (*promptly) InsertBegin(_ context.Context, params *rivertype.JobInsertParams) error {
	if params.State == rivertype.JobStateScheduled && time.Until(*params.ScheduledAt) < soon {
		params.State = rivertype.JobStateAvailable
	}
	return nil
}
