package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// receiver is a service that hooks post to. It is safe for concurrent use.
type receiver struct {
	server *httptest.Server
	// status answers the nth request, counted from 0; nil answers 204.
	status func(n int, r request) int
	// says is the text of the answer; nil for none.
	says func(r request) string

	mu   sync.Mutex
	got  []request
	hold chan struct{}
}

// request is what arrived.
type request struct {
	path   string
	header http.Header
	body   []byte
}

func newReceiver(t testing.TB, status func(n int, r request) int) *receiver {
	t.Helper()
	r := &receiver{status: status}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

// url is the receiver's address: http://127.0.0.1 with a port.
func (r *receiver) url() string { return r.server.URL }

// block makes the receiver keep every request waiting until release is called.
func (r *receiver) block(t testing.TB) (release func()) {
	t.Helper()
	hold := make(chan struct{})
	r.mu.Lock()
	r.hold = hold
	r.mu.Unlock()
	release = sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	return release
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the caller has gone
	}
	arrived := request{req.URL.Path, req.Header, body}
	n, hold := r.record(arrived)
	if hold != nil {
		select {
		case <-hold:
		case <-req.Context().Done():
			return
		}
	}
	switch {
	case r.status != nil:
		w.WriteHeader(r.status(n, arrived))
	case r.says != nil:
		_, _ = io.WriteString(w, r.says(arrived)) // the caller may have gone
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func (r *receiver) record(req request) (n int, hold chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, req)
	return len(r.got) - 1, r.hold
}

// requests returns what has arrived so far.
func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// await waits until n requests have arrived.
func (r *receiver) await(t testing.TB, n int) []request {
	t.Helper()
	eventually(t, "the receiver has its requests", func() bool { return len(r.requests()) >= n })
	return r.requests()
}
