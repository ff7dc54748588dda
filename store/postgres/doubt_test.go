package postgres_test

import (
	"context"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// TestClaimWhoseAnswerIsLost: a claim is committed and its answer does not arrive;
// at a beat what it leased is due again, for the same node.
func TestClaimWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	direct := postgrestest.Database(t)
	through := openProxy(t, direct)
	s, other := open(t, postgres.Config{URL: through.url}), open(t, postgres.Config{URL: direct})
	background(t, other, "run", "session")

	through.cut.Store(true)
	if _, claimed, err := s.ClaimRun(t.Context(), leaseOf("a"), time.Now(), "run"); err == nil || claimed {
		t.Fatalf("claimed %t, error %v: the answer was not lost", claimed, err)
	}
	if _, claimed, err := other.ClaimRun(t.Context(), leaseOf("b"), time.Now(), "run"); claimed || err != nil {
		t.Fatalf("claimed %t, error %v: the first claim was not committed", claimed, err)
	}
	if _, err := s.RenewLeases(t.Context(), leaseOf("a")); err != nil {
		t.Fatal(err)
	}
	if _, claimed, err := s.ClaimRun(t.Context(), leaseOf("a"), time.Now(), "run"); !claimed || err != nil {
		t.Errorf("claimed %t, error %v: the run is nobody's work", claimed, err)
	}
	if _, err := s.RenewLeases(t.Context(), leaseOf("a")); err != nil {
		t.Fatal(err)
	}
	if _, claimed, err := other.ClaimRun(t.Context(), leaseOf("b"), time.Now(), "run"); claimed || err != nil {
		t.Errorf("claimed %t, error %v: the run was taken from its worker", claimed, err)
	}
}

// proxy stands between a store and its server. With cut set it closes the next
// connection that commits, once the server has answered.
type proxy struct {
	url string
	cut atomic.Bool
}

func openProxy(t *testing.T, database string) *proxy {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	server := filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")
	dir := t.TempDir()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	u.RawQuery = url.Values{"host": {dir}}.Encode()
	p := &proxy{url: u.String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(context.WithoutCancel(t.Context()), client, server)
		}
	}()
	return p
}

func (p *proxy) serve(ctx context.Context, client net.Conn, server string) {
	defer client.Close()
	upstream, err := new(net.Dialer).DialContext(ctx, "unix", server)
	if err != nil {
		return
	}
	defer upstream.Close()
	var committing atomic.Bool
	go func() {
		defer upstream.Close()
		forward(client, upstream, func(sent string) bool {
			if strings.Contains(sent, "commit") && p.cut.CompareAndSwap(true, false) {
				committing.Store(true)
			}
			return true
		})
	}()
	forward(upstream, client, func(string) bool { return !committing.Load() })
}

// forward copies until a side ends, or pass refuses what was read.
func forward(from, to net.Conn, pass func(string) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !pass(string(buf[:n])) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
