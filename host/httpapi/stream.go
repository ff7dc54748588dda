package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// streamRun runs a component and sends its events. Until the stream has begun an
// error is an ordinary answer; afterwards it is the stream's last event.
func (a *api) streamRun(w http.ResponseWriter, r *http.Request, asked runForm) error {
	s := newStream(w)
	stop := s.beat(a.heartbeat)
	defer stop()
	ended := false
	asked.request.Events = func(e host.Event) error {
		ended = ended || e.Run.TopLevel() && endsRun(e.Kind)
		if !asked.shows(&e) {
			return nil
		}
		return s.sendEvent(&e)
	}
	_, err := a.engine.Run(r.Context(), asked.request)
	stop()
	switch {
	case err == nil:
		s.begin()
		return nil
	case !s.begun:
		return err
	case !ended:
		last := a.lastError(asked.request, err)
		_ = s.sendEvent(&last) // nobody is left to tell
	}
	a.report(r, err)
	return nil
}

func endsRun(kind host.EventKind) bool {
	return kind == host.EventRunCompleted || kind == host.EventRunError || kind == host.EventRunCancelled
}

// lastError is a RunError for a run that could not be begun or stored.
func (a *api) lastError(req host.RunRequest, err error) host.Event {
	_, body := describe(err)
	return host.Event{Kind: host.EventRunError, At: a.now(), Run: &host.Run{
		ID: req.RunID, SessionID: req.SessionID, Component: req.Component,
		Failure: &host.Failure{Type: body.ErrorType, ID: body.ErrorID, Message: detailText(body, err)},
	}}
}

// stream writes server-sent events. It is safe for concurrent use.
type stream struct {
	mu   sync.Mutex
	w    http.ResponseWriter
	conn *http.ResponseController
	// begun is true once the headers have left.
	begun bool
	// last is when something was written, or the stream was made.
	last time.Time
	// broken is why nothing can be written any more.
	broken error
}

func newStream(w http.ResponseWriter) *stream {
	return &stream{w: w, conn: http.NewResponseController(w), last: time.Now()}
}

// send writes one event and does not wait for more.
func (s *stream) send(event string, body any) error {
	data, err := encodeJSON(body)
	if err != nil {
		return err
	}
	return s.sendData(event, data)
}

// sendEvent writes an event of a run, unless clients know none of its kind.
func (s *stream) sendEvent(e *host.Event) error {
	if name := eventName(e); name != "" {
		return s.send(name, newEventBody(e))
	}
	return nil
}

// sendControl writes a frame about the stream itself, in the spelling of AgentOS.
func (s *stream) sendControl(event string, members ...member) error {
	data, err := append(object{{"event", event}}, members...).encode(", ", ": ")
	if err != nil {
		return err
	}
	return s.sendData(event, data)
}

func (s *stream) sendData(event string, data []byte) error {
	return s.write([]byte("event: " + event + "\ndata: " + string(oneLine(data)) + "\n\n"))
}

// begin sends the headers of a stream that has had no frame. It must not be
// called while the stream beats.
func (s *stream) begin() {
	if !s.begun {
		_ = s.write(nil) // a client that left reads nothing
	}
}

func (s *stream) isBroken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken != nil
}

// write writes one frame. A client that does not read it in time has left.
func (s *stream) write(frame []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return s.broken
	}
	if err := s.writeFrame(frame); err != nil {
		s.broken = fmt.Errorf("write frame: %w", err)
	}
	s.last = time.Now()
	return s.broken
}

func (s *stream) writeFrame(frame []byte) error {
	err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) { // a test's recorder has none
		return err
	}
	if !s.begun {
		s.begun = true
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no")
		s.w.WriteHeader(http.StatusOK)
	}
	if _, err := s.w.Write(frame); err != nil {
		return err
	}
	return s.conn.Flush()
}

// beat sends a comment whenever the stream was silent for so long, so that no
// proxy and no client gives it up. The first one may begin the stream: a run may
// wait long for the one before it. stop ends it and waits for its end; it may be
// called again.
func (s *stream) beat(every time.Duration) (stop func()) {
	done := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		timer := time.NewTimer(every)
		defer timer.Stop()
		for {
			select {
			case <-done:
				return
			case <-timer.C:
				timer.Reset(s.breakSilence(every))
			}
		}
	})
	return sync.OnceFunc(func() {
		close(done)
		beating.Wait()
	})
}

// breakSilence sends a comment when it is due and returns when the next may be.
func (s *stream) breakSilence(every time.Duration) time.Duration {
	s.mu.Lock()
	silence := time.Since(s.last)
	s.mu.Unlock()
	if silence < every {
		return every - silence
	}
	_ = s.write([]byte(": heartbeat\n\n")) // the next event meets the same error
	return every
}
