package engine

import (
	"context"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// The end of a background run that the store does not take is offered again after
// firstEndPause, then after twice as long each time, up to lastEndPause.
const (
	firstEndPause = 100 * time.Millisecond
	lastEndPause  = 5 * time.Second
)

// storeEnd offers the end of a background run, which the store refused with err,
// until the store takes it or the worker is stopped: another worker would do all
// that followed the last checkpoint again.
func (x *execution) storeEnd(worker context.Context, err error) error {
	for pause := firstEndPause; err != nil && !settled(err); pause = min(2*pause, lastEndPause) {
		if err = x.offerAgain(context.WithoutCancel(worker), err); err == nil || settled(err) {
			break
		}
		x.log.Error("store the end of a run", "run_id", x.run.ID, "error", err)
		select {
		case <-time.After(pause):
		case <-worker.Done():
			return err
		}
	}
	return err
}

// offerAgain writes the end of a run once more if the store answers. What it
// refuses though it can write would be refused of every worker: such a run ends
// without its answer and its calls.
func (x *execution) offerAgain(ctx context.Context, err error) error {
	if _, away := x.store.Run(ctx, x.run.ID); away != nil {
		return err
	}
	err = x.record(ctx)
	if err == nil || settled(err) || host.CodeOf(err) == host.CodeUnavailable {
		return err
	}
	whole := x.run
	x.fail(storageFailure())
	if x.store.FinishRun(ctx, x.bareEnd()) != nil {
		x.run = whole
		return err
	}
	x.log.Error("ended a run the store does not take", "run_id", x.run.ID, "error", err)
	return nil
}
