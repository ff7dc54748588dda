package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// Start stores a run that a worker of any node will carry out, and returns it
// PENDING. A request whose idempotency key the user has used before gets the first
// run of that key, as it is now. It fails with an *host.Error where the client must
// know: CodeBusy when the queue is full.
func (e *Engine) Start(ctx context.Context, req host.RunRequest) (host.Run, error) {
	s, err := e.asked(&req)
	if err != nil {
		return host.Run{}, err
	}
	run := e.newRun(s, &req, lineage{})
	if err := e.hooks.Plan(run.Component, run.Origin()).CheckRequest(&req); err != nil {
		return host.Run{}, err
	}
	run.Status, run.Background, run.Attempt = host.RunPending, true, 0
	req.RunID, req.SessionID = run.ID, run.SessionID
	err = e.store.CreateRun(context.WithoutCancel(ctx), host.NewRun{
		Run: run, Request: &req, IdempotencyKey: storedKey(&req), MaxQueued: e.bounds.queued, Wait: true,
	})
	if first, ok := errors.AsType[*host.DuplicateError](err); ok {
		return first.Run, checkRepeated(&req, &first.Run)
	}
	if err != nil {
		return host.Run{}, fmt.Errorf("create run: %w", err)
	}
	return run, nil
}

// storedKey is the request's idempotency key among those of all users, "" for
// none: a key leads nobody to a run of somebody else.
func storedKey(req *host.RunRequest) string {
	if req.IdempotencyKey == "" {
		return ""
	}
	return fmt.Sprintf("%d:%s:%s", len(req.UserID), req.UserID, req.IdempotencyKey)
}

// checkRepeated refuses a key that was used for another component.
func checkRepeated(req *host.RunRequest, first *host.Run) error {
	if first.Component.Scope() != req.Component.Scope() {
		return host.Errorf(host.CodeConflict, "The idempotency key belongs to a run of another component")
	}
	return nil
}

// repeat returns the first run of a request, once that has ended, and streams
// its end.
func (e *Engine) repeat(ctx context.Context, req *host.RunRequest, first host.Run) (host.Run, error) {
	if err := checkRepeated(req, &first); err != nil {
		return host.Run{}, err
	}
	run := first
	err := e.bell.until(ctx, host.Signal{Kind: host.SignalEvents, ID: first.ID}, func() (bool, error) {
		var err error
		run, err = e.store.Run(ctx, first.ID)
		return run.Status.Final(), err
	})
	if err != nil {
		return host.Run{}, fmt.Errorf("wait for the first run: %w", err)
	}
	if run, err = e.WithChildren(ctx, run); err != nil {
		return host.Run{}, err
	}
	return run, e.replay(req, &run)
}

// replay streams a run that has ended as one that had nothing to tell before its
// answer.
func (e *Engine) replay(req *host.RunRequest, run *host.Run) error {
	if req.Events == nil {
		return nil
	}
	events := []host.Event{{Kind: host.EventRunStarted}}
	switch run.Status {
	case host.RunCompleted:
		events = append(events, host.Event{Kind: host.EventRunContent, Content: run.Content, ContentType: run.ContentType})
	case host.RunCancelled:
		events = append(events, host.Event{Kind: host.EventRunCancelled})
	}
	for _, event := range append(events, host.Event{Kind: lastEvent(run.Status)}) {
		event.At, event.Run = e.now(), run
		if err := req.Events(event); err != nil {
			return fmt.Errorf("stream event: %w", err)
		}
	}
	return nil
}
