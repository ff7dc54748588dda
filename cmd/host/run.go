package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/river"
)

// run serves requests and background work until ctx ends. Then it claims no more
// work; what background runs it has drain together with the requests, and the
// calls that those cause after them.
func (h *parts) run(ctx context.Context, ready func(address string)) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", h.cfg.Listen)
	if err != nil {
		return err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.work(background, ctx) })
	group.Go(func() error {
		defer stop()
		return h.serveHTTP(ctx, listener)
	})
	ready(listener.Addr().String())
	group.Go(func() error {
		h.askServers(ctx)
		return nil
	})
	return group.Wait()
}

// work does what needs no request, until ctx ends and what was begun is over; when
// claiming ends nothing is claimed any more. Signals are heard to the end, for the
// runs that drain.
func (h *parts) work(ctx, claiming context.Context) error {
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	taking, stopTaking := context.WithCancel(ctx)
	defer context.AfterFunc(claiming, stopTaking)()
	defer context.AfterFunc(taking, h.supervisor.StopClaiming)()
	group.Go(func() error { return h.store.Listen(listening, h.receive) })
	group.Go(func() error {
		defer stop()
		return h.supervisor.Run(ctx)
	})
	if h.shared() {
		group.Go(func() error { return h.registry.Watch(ctx) })
		group.Go(func() error { return h.takeJobs(taking) })
	}
	return group.Wait()
}

// receive hands a signal of some node to whoever waits for it.
func (h *parts) receive(s host.Signal) {
	h.engine.Receive(s)
	h.supervisor.Receive(s)
	h.registry.Receive(s)
}

// takeJobs carries out what River brings from all nodes.
func (h *parts) takeJobs(ctx context.Context) error {
	client, err := river.New(river.Config{
		Pool: h.jobs, Node: h.node, Log: h.log,
		Handler:    river.Handler{Run: h.supervisor.DueRun, HookCall: h.supervisor.DueHookCall},
		RunWorkers: h.cfg.Background.Workers,
	})
	if err != nil {
		return err
	}
	return client.Run(ctx)
}

// serveHTTP answers requests until ctx ends and those it has are done, or
// cancelled for taking too long.
func (h *parts) serveHTTP(ctx context.Context, listener net.Listener) error {
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler: h.api, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve requests: %w", err)
	case <-ctx.Done():
	}
	h.log.Info("stopping: draining requests")
	// The server listens on meanwhile: who asks is told that the host is not
	// ready, and who sends requests that it takes none.
	if within(drainRequests, h.api.Drain) != nil {
		cancel() // ends the runs that still go on; they are stored as CANCELLED
	}
	if err := within(drainPlugins, server.Shutdown); err != nil {
		h.log.Warn("requests did not end in time", "error", errors.Join(err, server.Close()))
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		h.log.Warn("serve requests", "error", err)
	}
	h.log.Info("stopping: draining background calls")
	return nil
}

// within gives act some time to end.
func within(limit time.Duration, act func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return act(ctx)
}
