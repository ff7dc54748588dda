package main

import (
	"context"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/metric"
)

// readyTimeout bounds how long the store may take to answer a probe.
const readyTimeout = 2 * time.Second

// buildMetrics comes first: the other parts tell it what they do. It asks for
// the supervisor, which is built later, when somebody reads the page.
func (h *parts) buildMetrics(context.Context) (err error) {
	h.metrics, err = metric.New(metric.Config{
		Version:     version(),
		Backlog:     func(ctx context.Context) (host.Backlog, error) { return h.store.Backlog(ctx) },
		Quarantined: func() []string { return h.supervisor.Quarantined() },
		Log:         h.log,
	})
	return err
}

// ready says why no requests should be sent here. What a dead process left has
// been taken over before the host listens.
func (h *parts) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if _, err := h.store.DueHookCalls(ctx); err != nil {
		return &host.Error{Code: host.CodeUnavailable, Message: "The store does not answer", Err: err}
	}
	return nil
}
