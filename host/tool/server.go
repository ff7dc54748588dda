package tool

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// server is an MCP server, with the connection to it that all runs share.
type server struct {
	spec   host.MCPServer
	name   string
	config Config
	log    *slog.Logger
	// stop is closed when the server is to end, hurry when it had its time.
	stop  chan struct{}
	hurry chan struct{}
	rush  sync.Once
	// work counts the goroutines that close waits for.
	work sync.WaitGroup

	mu   sync.Mutex
	conn *connection // nil without one
	dial *dial       // nil unless one is under way
	// failures are the connections that failed in a row, cause is why the last one
	// did, nil for none, and no other is made before retryAt.
	failures int
	cause    error
	retryAt  time.Time
	// listed is what the server was last seen to offer, nil before it was.
	listed []listing
	closed bool
}

// dial is an attempt to connect, now or once the delay after the last one is over.
// conn and err may be read once done is closed.
type dial struct {
	began  time.Time
	done   chan struct{}
	cancel context.CancelCauseFunc
	conn   *connection
	err    error
}

func newServer(spec host.MCPServer, c Config) *server {
	name := serverName(spec)
	return &server{
		spec: spec, name: name, config: c, log: c.Log.With("mcp_server", name),
		stop: make(chan struct{}), hurry: make(chan struct{}),
	}
}

// String names the server in messages.
func (s *server) String() string { return "the MCP server " + s.name }

// unavailable is the error of a server that cannot be used now. It says why, and
// wraps nothing: causes may hold what the configuration keeps secret.
func (s *server) unavailable(cause error) error {
	return &host.Error{
		Code:    host.CodeUnavailable,
		Message: fmt.Sprintf("%s is not available: %s", s, cut(conceal(s.spec, cause.Error()))),
	}
}

// connect returns the connection, and waits for the attempt to make one where there
// is none. All wait for the same attempt, which goes on when they leave.
func (s *server) connect(ctx context.Context) (*connection, error) {
	conn, d, err := s.begin(ctx)
	if d == nil {
		return conn, err
	}
	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// begin returns the connection that is there, or else the attempt to make one.
func (s *server) begin(ctx context.Context) (*connection, *dial, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, nil, errStopping
	case s.conn != nil:
		return s.conn, nil, nil
	case s.dial != nil:
		return nil, s.dial, nil
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	d := newDial(cancel)
	s.dial = d
	s.work.Go(func() {
		defer cancel(nil)
		s.run(ctx, d)
	})
	return nil, d, nil
}

func newDial(cancel context.CancelCauseFunc) *dial {
	return &dial{began: time.Now(), done: make(chan struct{}), cancel: cancel}
}

// run makes attempts to connect until one comes to a connection, and keeps that until
// it ends.
func (s *server) run(ctx context.Context, d *dial) {
	for d != nil {
		if !s.pause() {
			s.missed(ctx, d, errStopping)
			return
		}
		conn, list, err := s.openConnection(ctx)
		if err == nil {
			s.connected(d, conn, list)
			s.keep(ctx, conn)
			return
		}
		d = s.missed(ctx, d, err)
	}
}

// pause waits until it is time for the next attempt; false when it is for the end.
func (s *server) pause() bool {
	s.mu.Lock()
	delay := time.Until(s.retryAt)
	s.mu.Unlock()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stop:
		return false
	}
}

func (s *server) connected(d *dial, conn *connection, list []listing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dial, s.conn, s.listed, d.conn, s.cause = nil, conn, list, conn, nil
	close(d.done)
}

// missed notes that an attempt failed and returns the next one, nil when there is to
// be none. What fails again as it did before is no news.
func (s *server) missed(ctx context.Context, d *dial, err error) *dial {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(d.done)
	s.dial = nil
	if s.closed {
		d.err = errStopping
		return nil
	}
	d.err = s.unavailable(err)
	level := slog.LevelWarn
	if s.cause != nil && s.cause.Error() == err.Error() {
		level = slog.LevelDebug
	}
	s.log.Log(ctx, level, "connect to MCP server", "err", conceal(s.spec, err.Error()))
	s.failed(err)
	s.dial = newDial(d.cancel)
	return s.dial
}

// away is why the server cannot be used, nil where nothing is known against it.
func (s *server) away() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil || s.cause == nil {
		return nil
	}
	return s.unavailable(s.cause)
}

// keep waits until the connection ends, or has to, and lets go of it.
func (s *server) keep(ctx context.Context, conn *connection) {
	select {
	case <-conn.ended:
	case <-conn.link.broken():
	case <-s.stop:
	}
	// Calls that begin from now on connect again; those under way have the time to
	// end where the server still answers.
	s.lose(conn)
	cause := conn.close(s.config.Grace, s.hurry)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	if time.Since(conn.since) > minLife {
		s.failures = 0
	}
	s.failed(cause)
	s.log.WarnContext(ctx, "connection to MCP server lost", "err", conceal(s.spec, cause.Error()))
}

func (s *server) lose(conn *connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == conn {
		s.conn = nil
	}
}

// How soon a server is connected to again: at once after the first failure, and
// later after each further one. A connection that lived for minLife ends the row.
const (
	minLife  = 10 * time.Second
	minDelay = 500 * time.Millisecond
	maxDelay = 30 * time.Second
)

// failed notes a failure. The caller holds mu.
func (s *server) failed(cause error) {
	s.failures++
	s.cause = cause
	if s.failures > 1 {
		s.retryAt = time.Now().Add(min(minDelay<<min(s.failures-2, 10), maxDelay))
	}
}

// start runs f in a goroutine that close waits for; false when it is too late.
func (s *server) start(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}

// close ends the connection and the process, and waits until nothing is left of
// them. When ctx ends first they are ended by force.
func (s *server) close(ctx context.Context) {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	if s.dial != nil {
		s.dial.cancel(errStopping)
	}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() { s.rush.Do(func() { close(s.hurry) }) })
	defer stop()
	s.work.Wait()
}
