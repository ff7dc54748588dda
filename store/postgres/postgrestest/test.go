package postgrestest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the server of Database: one per test binary, started by the first
// test that asks and stopped by the end of the process.
var shared = sync.OnceValues(func() (*Server, error) {
	return New(context.Background(), Config{NoSync: true})
})

// Database returns the URL of an empty database on a server the tests of this
// binary share; it is dropped when the test ends. Tests may run in parallel.
func Database(tb testing.TB) string {
	tb.Helper()
	server, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return server.Database(tb)
}

// Start runs a server of the test's own, to be stopped and restarted at will; it
// is closed when the test ends.
func Start(tb testing.TB, config Config) *Server {
	tb.Helper()
	server, err := New(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	return server
}

var databases atomic.Int64

// Database returns the URL of an empty database, which is dropped when the test
// ends and the server runs.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	url, err := s.CreateDatabase(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if !s.running.Load() {
			return
		}
		if err := s.DropDatabase(context.WithoutCancel(tb.Context()), name); err != nil {
			tb.Error(err)
		}
	})
	return url
}
