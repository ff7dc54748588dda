package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strconv"
	"testing"
	"time"
)

// answer is a run that a client has got the whole answer of, or a background run
// that was accepted.
type answer struct {
	run        run
	background bool
	// cancelled is true when the client asked for the run's end.
	cancelled bool
	// events are the whole stream of a background run that was followed to its end.
	events []event
}

// killClient asks hosts that come and go. What was not answered whole is no
// answer: the host may have been killed.
type killClient struct {
	*killing
	random *rand.Rand
	asks   []ask
}

// ask is a method of killClient that makes one run.
type ask func(c *killClient, ctx context.Context, t *testing.T, p *process, component string, f form)

// killed are the components that clients run, some more often.
var killed = []string{
	"busy", "busy", "busy", "refused-input", "refused-output", "slow",
	"worker", "teams/desk", "workflows/flow", "workflows/flow",
}

// run asks until ctx ends, for runs of a random component, under an id of the host's
// or of the client's choosing, in a session of its own or a shared one.
func (c *killClient) run(ctx context.Context, t *testing.T) {
	for p := c.node(ctx, c.random); p != nil; p = c.node(ctx, c.random) {
		component := killed[c.random.IntN(len(killed))]
		f := form{"message": fmt.Sprintf("message %d", c.random.Uint32())}
		if c.random.IntN(2) == 0 {
			f["run_id"] = fmt.Sprintf("run-%016x", c.random.Uint64())
		}
		if c.random.IntN(4) == 0 {
			f["session_id"] = fmt.Sprintf("%s-%d", path.Base(component), c.random.IntN(3))
		}
		c.asks[c.random.IntN(len(c.asks))](c, ctx, t, p, component, f)
	}
}

// askPlain waits for the answer.
func (c *killClient) askPlain(ctx context.Context, _ *testing.T, p *process, component string, f form) {
	contentType, body := f.with("stream", "false").urlencoded()
	r, err := p.send(ctx, http.MethodPost, home(component)+"/runs", contentType, body)
	out := runOf(component)
	if err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &out) == nil {
		c.record(&answer{run: out})
	}
}

// askStream counts a run as answered when its last event has arrived.
func (c *killClient) askStream(ctx context.Context, _ *testing.T, p *process, component string, f form) {
	s, err := p.openStream(ctx, component, f)
	if err != nil {
		return
	}
	defer s.body.Close()
	r := runOf(component)
	for {
		e, err := s.next()
		if err != nil {
			return
		}
		r.RunID, r.SessionID = cmp.Or(r.RunID, e.RunID), e.SessionID
		if status := endStatus(e.Name); status != "" && e.RunID == r.RunID {
			r.Status = status
			c.record(&answer{run: r})
			return
		}
	}
}

// endStatus is the status a last event tells; nothing for other events.
func endStatus(name string) string {
	return map[string]string{"RunCompleted": "COMPLETED", "RunError": "ERROR", "RunCancelled": "CANCELLED"}[ownEnd(name)]
}

// askLater starts a background run, asks for its end now and then, and polls it.
func (c *killClient) askLater(ctx context.Context, t *testing.T, p *process, component string, f form) {
	contentType, body := f.with("stream", "false").with("background", "true").urlencoded()
	r, err := p.send(ctx, http.MethodPost, home(component)+"/runs", contentType, body)
	if err != nil || !c.accepted(t, r.status) {
		return
	}
	a := &answer{run: runOf(component), background: true}
	if err := json.Unmarshal(r.body, &a.run); err != nil {
		return // the host was killed while it answered
	}
	if a.cancelled = c.random.IntN(8) == 0; a.cancelled {
		if p := c.node(ctx, c.random); p != nil {
			_, _ = p.send(ctx, http.MethodPost, a.run.at("cancel"), "", nil) // maybe nobody hears it
		}
	}
	c.record(a)
	poll(ctx, func() bool {
		p := c.node(ctx, c.random)
		if p == nil {
			return true
		}
		r, err := p.send(ctx, http.MethodGet, a.run.path(), "", nil)
		var now run
		return err == nil && r.status == http.StatusOK && json.Unmarshal(r.body, &now) == nil && now.over()
	})
}

// accepted reports whether a run was; a host that cannot reach its database takes
// none, and says so.
func (c *killClient) accepted(t *testing.T, status int) bool {
	if status != http.StatusAccepted && status < 500 {
		t.Errorf("a background run is answered with %d", status)
	}
	return status == http.StatusAccepted
}

// follow streams a background run to its end, over the ends of hosts.
func (c *killClient) follow(ctx context.Context, t *testing.T, p *process, component string, f form) {
	s, err := p.openStream(ctx, component, f.with("background", "true"))
	if err != nil {
		return
	}
	a := &answer{run: runOf(component), background: true}
	for {
		ended := a.read(s)
		s.body.Close()
		if len(a.events) == 0 {
			return // perhaps it was never accepted
		}
		if a.run.RunID == "" {
			a.run.RunID, a.run.SessionID = a.events[0].RunID, a.events[0].SessionID
			c.record(a)
		}
		if ended {
			return
		}
		if s = c.resume(ctx, t, a); s == nil {
			a.events = nil // not followed to the end
			return
		}
	}
}

// read takes what a stream brings, and reports whether it came to its end.
func (a *answer) read(s *stream) bool {
	for {
		e, err := s.next()
		if err != nil {
			last := len(a.events) - 1
			return last >= 0 && a.events[last].RunID == a.events[0].RunID &&
				slices.Contains([]string{"RunCompleted", "RunError"}, ownEnd(a.events[last].Name))
		}
		if _, own := split([]event{e}); len(own) > 0 {
			a.events = append(a.events, e)
		}
	}
}

// resume goes on with a stream on any host; nil when ctx ends first.
func (c *killClient) resume(ctx context.Context, t *testing.T, a *answer) *stream {
	f := form{"session_id": a.run.SessionID, "last_event_index": strconv.Itoa(*a.events[len(a.events)-1].Index)}
	for {
		p := c.node(ctx, c.random)
		if p == nil {
			return nil
		}
		s, err := p.openEvents(ctx, a.run.at("resume"), f)
		if err == nil {
			return s
		}
		var refused *statusError
		if errors.As(err, &refused) && refused.status < 500 {
			t.Errorf("the stream of run %s is refused: %v", a.run.RunID, err)
			return nil
		}
		<-time.After(10 * time.Millisecond)
	}
}
