package river

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	// A job that is put off waits at least firstPause, then twice as long each
	// time, up to lastPause: a long queue is not to keep the database busy.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// runArgs are a job of a run.
type runArgs struct {
	ID string `json:"id"`
}

// Kind implements river.JobArgs.
func (runArgs) Kind() string { return string(host.JobRun) }

// hookCallArgs are a job of a hook call.
type hookCallArgs struct {
	ID     string `json:"id"`
	Plugin string `json:"plugin"`
}

// Kind implements river.JobArgs.
func (hookCallArgs) Kind() string { return string(host.JobHookCall) }

type runWorker struct {
	river.WorkerDefaults[runArgs]
	run func(ctx context.Context, id string) error
}

// Timeout implements river.Worker. Without one River would never put back the job
// of a dead node.
func (*runWorker) Timeout(*river.Job[runArgs]) time.Duration { return runTimeout }

// Work implements river.Worker.
func (w *runWorker) Work(ctx context.Context, job *river.Job[runArgs]) error {
	return w.run(ctx, job.Args.ID)
}

type hookWorker struct {
	river.WorkerDefaults[hookCallArgs]
	call func(ctx context.Context, id, plugin string) (time.Duration, error)
}

// Work implements river.Worker.
func (w *hookWorker) Work(ctx context.Context, job *river.Job[hookCallArgs]) error {
	putOff, err := w.call(ctx, job.Args.ID, job.Args.Plugin)
	if err != nil || putOff <= 0 {
		return err
	}
	pause, err := pause(job.Metadata)
	if err != nil {
		return err
	}
	return river.JobSnooze(max(putOff, pause))
}

// pause is the least that a job waits by how often it was put off, which River
// counts in its metadata.
func pause(metadata []byte) (time.Duration, error) {
	var counted struct {
		Snoozes int `json:"snoozes"`
	}
	if err := json.Unmarshal(metadata, &counted); err != nil {
		return 0, fmt.Errorf("read the metadata of a job: %w", err)
	}
	wait := firstPause
	for range counted.Snoozes {
		if wait = min(2*wait, lastPause); wait == lastPause {
			break
		}
	}
	jitter := 0.8 + 0.2*rand.Float64() //nolint:gosec // spreads load, guards nothing
	return time.Duration(float64(wait) * jitter), nil
}

// retries are quick: who fails is mostly the database.
type retries struct{}

// NextRetry implements river.ClientRetryPolicy.
func (retries) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(min(time.Duration(job.Attempt)*time.Second, lastPause))
}
