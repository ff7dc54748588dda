package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// acceptedBody says where a background run is found.
type acceptedBody struct {
	RunID     string         `json:"run_id"`
	SessionID string         `json:"session_id"`
	Status    host.RunStatus `json:"status"`
}

// startRun begins a run that nobody waits for.
func (a *api) startRun(w http.ResponseWriter, r *http.Request, asked runForm) error {
	run, err := a.engine.Start(r.Context(), asked.request)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusAccepted, acceptedBody{RunID: run.ID, SessionID: run.SessionID, Status: run.Status})
	return nil
}

// streamBackground begins a background run and sends its events. A client that
// leaves leaves the run alone, and may take its stream up again.
func (a *api) streamBackground(w http.ResponseWriter, r *http.Request, asked runForm) error {
	asked.request.Deltas = true
	run, err := a.engine.Start(r.Context(), asked.request)
	if err != nil {
		return err
	}
	s := newStream(w)
	s.begin()
	defer s.beat(a.heartbeat)()
	a.tell(r, s, a.followWhole(r, run.ID, func(e host.Event) error {
		if !asked.shows(&e) {
			return nil
		}
		return s.sendIndexed(&e)
	}))
	return nil
}

// followWhole hands all events of a run to send: those of its stream as they are
// committed, or what its row tells when it has no stream any more.
func (a *api) followWhole(r *http.Request, id string, send func(host.Event) error) error {
	found := false
	err := a.follow(r, id, 0, func(e host.Event) error {
		found = true
		return send(e)
	})
	if err != nil || found {
		return err
	}
	run, err := a.runs.Run(r.Context(), id)
	if err != nil {
		return err
	}
	if run, err = a.withChildren(r.Context(), run); err != nil {
		return err
	}
	return sendSummary(&run, send)
}

// follow hands the events of a run that goes on to send, until the run or the
// request ends, or the host stops: the run outlives that.
func (a *api) follow(r *http.Request, id string, from int, send func(host.Event) error) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-a.gate.closing:
			cancel(errStopping())
		case <-ctx.Done():
		}
	})
	defer watch.Wait()
	defer cancel(nil)
	return a.engine.Follow(ctx, id, from, send)
}

// summaries are the events that a run of each final status had at least.
var summaries = map[host.RunStatus][]host.EventKind{
	host.RunCompleted: {host.EventRunStarted, host.EventRunContent, host.EventRunCompleted},
	host.RunError:     {host.EventRunStarted, host.EventRunError},
	host.RunCancelled: {host.EventRunStarted, host.EventRunCancelled, host.EventRunCompleted},
}

// sendSummary hands on the stream of a run that ended as far as its row tells it.
func sendSummary(run *host.Run, send func(host.Event) error) error {
	for i, kind := range summaries[run.Status] {
		e := host.Event{Kind: kind, At: run.FinishedAt, Run: run, Index: i}
		switch kind {
		case host.EventRunStarted:
			e.At = run.CreatedAt
		case host.EventRunContent:
			e.Content, e.ContentType = run.Content, run.ContentType
		}
		if err := send(e); err != nil {
			return err
		}
	}
	return nil
}

// tell ends a stream that has begun with why it broke off, when there is a reason
// and somebody to tell. The run goes on.
func (a *api) tell(r *http.Request, s *stream, err error) {
	if err == nil || s.isBroken() {
		return
	}
	a.report(r, err)
	_, body := describeFor(r, err)
	_ = s.sendControl("error", member{"error", detailText(body, err)}) // nobody is left to tell
}

// sendIndexed writes an event of a background run.
func (s *stream) sendIndexed(e *host.Event) error {
	if name := eventName(e); name != "" {
		return s.send(name, indexedEvent{newEventBody(e), e.Index})
	}
	return nil
}

// indexedEvent is an event of a background run's stream: its index stands last.
type indexedEvent struct {
	event any
	index int
}

// MarshalJSON adds the index to the event.
func (e indexedEvent) MarshalJSON() ([]byte, error) {
	data, err := encodeJSON(e.event)
	if err != nil {
		return nil, err
	}
	data = append(data[:len(data)-1], `,"event_index":`...)
	return append(strconv.AppendInt(data, int64(e.index), 10), '}'), nil
}
