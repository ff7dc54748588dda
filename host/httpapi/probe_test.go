package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/snaphook-dev/snaphook/host"
)

func TestProbes(t *testing.T) {
	t.Parallel()
	f := fixture{}
	wantAnswer(t, f.get(t, "/-/ready"), 200, `{"status":"ready"}`)
	wantAnswer(t, f.get(t, "/-/metrics"), 200, "metrics 1\n")
	f.notReady = &host.Error{Code: host.CodeUnavailable, Message: "The store does not answer", Err: errors.New("disk gone")}
	wantDetail(t, f.get(t, "/-/ready"), 503, "The store does not answer")
	if !strings.Contains(f.log.String(), "disk gone") {
		t.Errorf("logged %q", f.log.String())
	}
	if w := f.get(t, "/health"); w.Code != 200 {
		t.Errorf("a host that is not ready does not live: %d", w.Code)
	}
}

// With a key the metrics are for those who have it; the others are for all.
func TestProbesWithAKey(t *testing.T) {
	t.Parallel()
	f := fixture{config: Config{SecurityKey: "secret"}}
	for path, want := range map[string]int{"/health": 200, "/-/ready": 200, "/-/ready/": 200, "/-/metrics": 401} {
		if w := f.get(t, path); w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// draining is an API with a request under way, and what ends that.
func draining(t *testing.T) (a *API, end func()) {
	t.Helper()
	entered, release := make(chan struct{}), make(chan struct{})
	f := fixture{engine: fakeEngine{script: func(context.Context, host.RunRequest) (host.Run, error) {
		close(entered)
		<-release
		return completedRun(), nil
	}}}
	a = f.handler(t).(*API)
	w := httptest.NewRecorder()
	var under sync.WaitGroup
	under.Go(func() {
		r := request("POST", "/agents/plain-agent/runs", "message=hi&stream=false")
		r.Header.Set("Content-Type", urlEncoded)
		a.ServeHTTP(w, r)
	})
	<-entered
	return a, func() {
		close(release)
		under.Wait()
		if w.Code != 200 {
			t.Errorf("the request under way: %d %s", w.Code, w.Body)
		}
	}
}

func request(method, target, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1"
	return r
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, end := draining(t)
		get := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			a.ServeHTTP(w, request("GET", path, ""))
			return w
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := a.Drain(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("drained while a request is under way: %v", err)
		}
		wantDetail(t, get("/-/ready"), 503, "The host is stopping")
		w := get("/agents")
		wantDetail(t, w, 503, "The host is stopping")
		if w.Header().Get("Connection") != "close" || w.Header().Get("Retry-After") == "" {
			t.Errorf("header %v", w.Header())
		}
		for _, path := range []string{"/health", "/-/metrics"} {
			if w := get(path); w.Code != 200 {
				t.Errorf("%s: %d", path, w.Code)
			}
		}
		drained := make(chan error)
		go func() { drained <- a.Drain(context.Background()) }()
		synctest.Wait()
		select {
		case <-drained:
			t.Error("drained while a request is under way")
		default:
		}
		end()
		if err := <-drained; err != nil {
			t.Error(err)
		}
		if err := a.Drain(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("drained again: %v", err)
		}
	})
}

func TestDrainOfAnIdleHost(t *testing.T) {
	t.Parallel()
	f := fixture{}
	a := f.handler(t).(*API)
	for range 2 {
		if err := a.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestDrainBreaksOffBackgroundStreams: their runs go on without them.
func TestDrainBreaksOffBackgroundStreams(t *testing.T) {
	t.Parallel()
	for path, form := range map[string]string{
		"/agents/plain-agent/runs":              "message=hi&background=true&stream=true",
		"/agents/plain-agent/runs/run-1/resume": "last_event_index=0",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			f := fixture{
				engine: fakeEngine{started: pendingRun(), stream: completedEvents()[:1], waiting: make(chan struct{})},
				runs:   fakeRuns{runs: map[string]host.Run{"run-1": runningRun()}, next: 1},
			}
			a := f.handler(t).(*API)
			w := httptest.NewRecorder()
			var under sync.WaitGroup
			under.Go(func() {
				r := request("POST", path, form)
				r.Header.Set("Content-Type", urlEncoded)
				a.ServeHTTP(w, r)
			})
			<-f.engine.waiting
			if err := a.Drain(t.Context()); err != nil {
				t.Error(err)
			}
			under.Wait()
			const last = "event: error\ndata: {\"event\": \"error\", \"error\": \"The host is stopping\"}\n\n"
			if w.Code != 200 || !strings.HasSuffix(w.Body.String(), last) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if f.log.Len() > 0 {
				t.Errorf("logged %q", f.log.String())
			}
		})
	}
}
