package main

import (
	"context"
	"errors"
	"time"
)

// hookCalls are background calls that no node holds. River brings each to a
// worker, which claims it.
type hookCalls struct {
	worker  *worker
	started chan time.Time
	stop    func() error // nil before work
}

func openHookCalls(ctx context.Context, url string, jobs int) (openQueue, error) {
	q := &hookCalls{started: make(chan time.Time, jobs)}
	var err error
	q.worker, err = openWorker(ctx, url, int64(jobs), func([]byte) { q.started <- time.Now() })
	if err != nil {
		return nil, err
	}
	const clients, callsOfRun = 8, 2
	leave := func(ctx context.Context) error { return q.worker.leave(ctx, callsOfRun) }
	if err := times(ctx, clients, jobs/callsOfRun/clients, leave); err != nil {
		return nil, errors.Join(err, q.close())
	}
	return q, nil
}

func (q *hookCalls) work(ctx context.Context) (err error) {
	if q.stop, err = q.worker.start(ctx, queueWorkers); err != nil {
		return err
	}
	if err := q.worker.drain(ctx); err != nil {
		return err
	}
	for range cap(q.started) {
		<-q.started
	}
	return nil
}

func (q *hookCalls) start(ctx context.Context) (time.Duration, error) {
	if err := q.worker.leave(ctx, 1); err != nil {
		return 0, err
	}
	committed := time.Now()
	if err := q.worker.drain(ctx); err != nil {
		return 0, err
	}
	return (<-q.started).Sub(committed), nil
}

func (q *hookCalls) close() error {
	var err error
	if q.stop != nil {
		err = q.stop()
	}
	return errors.Join(err, q.worker.close())
}
