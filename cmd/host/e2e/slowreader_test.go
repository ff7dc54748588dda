package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// TestClientThatNeverReads: a client that takes nothing of its stream is given
// up. Meanwhile the others are served, and afterwards the session goes on.
func TestClientThatNeverReads(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	// More than the sockets of both sides take: the content comes in pieces, and
	// once more whole.
	message := strings.Repeat(strings.Repeat("x", 64<<10)+" ", 150)
	conn := sendUnread(t, p, "/agents/agent/runs", form{"message": message, "session_id": "s", "run_id": "unread"})
	defer conn.Close()
	unread := run{AgentID: "agent", RunID: "unread", SessionID: "s"}
	p.awaitStatus(t, unread, "RUNNING")

	waiting := p.begin(t, "agent", form{"message": "after it", "session_id": "s"})
	for range 20 {
		p.run(t, "agent", form{"message": "beside it"}).must(t, "beside it")
	}
	if got := p.read(t, unread).Status; got != "RUNNING" {
		t.Errorf("the run nobody reads is %s: the sockets took all of it", got)
	}
	p.awaitStatus(t, unread, "CANCELLED") // after the time a client has for a frame
	answered(t, waiting).must(t, "after it")
}

// sendUnread sends a request for a stream over a connection of its own, from
// which nothing is read.
func sendUnread(t testing.TB, p *process, path string, f form) io.Closer {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	contentType, body := f.with("stream", "true").urlencoded()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		path, contentType, len(text), text)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
