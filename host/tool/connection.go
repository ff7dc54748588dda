package tool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// connection is a session with a server, and the link that carries it.
type connection struct {
	session *mcp.ClientSession
	link    link
	since   time.Time
	// stale is true once the server said that its tools have changed.
	stale *atomic.Bool
	// ended is closed when the session has.
	ended chan struct{}
}

// link carries a session: a process or an HTTP endpoint.
type link interface {
	transport() mcp.Transport
	// begin ties a context to the link: it ends when the link breaks. Land must be
	// called once.
	begin(ctx context.Context) (tied context.Context, land func())
	// snap breaks the link; the first cause counts.
	snap(cause error)
	// broken is closed once the link is.
	broken() <-chan struct{}
	// cause says why the link broke, nil when it did not.
	cause() error
	// stop releases what the link holds: gently, unless hurry is closed. It returns
	// what is known of why the link ended, which may be nil.
	stop(grace time.Duration, hurry <-chan struct{}) error
}

// openConnection connects to the server and lists its tools.
func (s *server) openConnection(ctx context.Context) (*connection, []listing, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.config.ConnectTimeout, slow(s.config.ConnectTimeout))
	defer cancel()
	link, err := s.newLink(ctx)
	if err != nil {
		return nil, nil, err
	}
	tied, land := link.begin(ctx)
	defer land()
	conn, err := s.newConnection(tied, link)
	if err != nil {
		link.snap(endOf(ctx, err))
		return nil, nil, because(link.cause(), link.stop(s.config.Grace, s.hurry))
	}
	list, err := s.list(tied, conn)
	if err != nil {
		link.snap(endOf(ctx, err))
		return nil, nil, conn.close(s.config.Grace, s.hurry)
	}
	return conn, list, nil
}

func slow(limit time.Duration) error {
	return fmt.Errorf("it took longer than %s to start and to list its tools", limit)
}

// endOf is why ctx ended, where that is the cause of an error.
func endOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// because adds what a link says of its end to the cause.
func because(cause, ended error) error {
	if ended == nil {
		return cause
	}
	return fmt.Errorf("%w (%w)", cause, ended)
}

// newLink starts the process, or prepares for requests.
func (s *server) newLink(ctx context.Context) (link, error) {
	if s.spec.URL != "" {
		return newEndpoint(s.spec, s.config.ConnectTimeout)
	}
	return startProcess(ctx, s.spec, s.log)
}

// newConnection makes a session over a link.
func (s *server) newConnection(ctx context.Context, link link) (*connection, error) {
	c := &connection{link: link, since: time.Now(), stale: new(atomic.Bool), ended: make(chan struct{})}
	client := mcp.NewClient(&mcp.Implementation{Name: s.config.Name, Version: s.config.Version}, &mcp.ClientOptions{
		// No roots, no sampling, no elicitation: a server is asked and asks nothing.
		Capabilities:           &mcp.ClientCapabilities{},
		MultiRoundTrip:         &mcp.MultiRoundTripOptions{Disabled: true},
		ToolListChangedHandler: func(context.Context, *mcp.ToolListChangedRequest) { c.stale.Store(true) },
	})
	client.AddReceivingMiddleware(floodGate(link))
	carrier := &carrier{Transport: link.transport()}
	// Not all that a session waits for at its beginning obeys its context.
	defer context.AfterFunc(ctx, func() {
		link.snap(context.Cause(ctx))
		carrier.close()
	})()
	session, err := client.Connect(ctx, carrier, nil)
	if err != nil {
		carrier.close()
		return nil, err
	}
	c.session = session
	go func() {
		defer close(c.ended)
		if err := session.Wait(); err != nil {
			link.snap(err)
		}
	}()
	return c, nil
}

// carrier remembers the connection it made: a session that fails early may leave
// it open, or wait for it.
type carrier struct {
	mcp.Transport
	mu   sync.Mutex
	made mcp.Connection
}

// Connect implements mcp.Transport.
func (c *carrier) Connect(ctx context.Context) (mcp.Connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	made, err := c.Transport.Connect(ctx)
	c.made = made
	return made, err
}

func (c *carrier) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made != nil {
		_ = c.made.Close() // there is nobody to tell, and stop ends the rest
	}
}

var errClosed = errors.New("the connection has ended")

// close ends the session and the link, and waits for both; it says why they ended.
// Calls under way have the grace to end.
func (c *connection) close(grace time.Duration, hurry <-chan struct{}) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = c.session.Close() // what it says is said by link.cause
	}()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-closed:
	case <-c.link.broken():
	case <-timer.C:
	case <-hurry:
	}
	c.link.snap(errClosed)
	ended := c.link.stop(grace, hurry)
	<-closed
	<-c.ended
	return because(c.link.cause(), ended)
}

// flights are the calls and requests under way. It is what links have in common.
type flights struct {
	mu      sync.Mutex
	next    int
	cancels map[int]context.CancelCauseFunc
	why     error
	down    chan struct{}
}

func newFlights() *flights {
	return &flights{cancels: map[int]context.CancelCauseFunc{}, down: make(chan struct{})}
}

func (f *flights) begin(ctx context.Context) (context.Context, func()) {
	tied, cancel := context.WithCancelCause(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why != nil {
		cancel(f.why)
		return tied, func() {}
	}
	id := f.next
	f.next++
	f.cancels[id] = cancel
	return tied, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.cancels, id)
		cancel(nil)
	}
}

func (f *flights) snap(cause error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why != nil {
		return
	}
	f.why = cause
	close(f.down)
	for _, cancel := range f.cancels {
		cancel(cause)
	}
}

func (f *flights) broken() <-chan struct{} { return f.down }

func (f *flights) cause() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.why
}
