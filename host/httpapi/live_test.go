package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/echo"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// The engine is what runs agents in the program.
var _ Engine = (*engine.Engine)(nil)

// live is an API over a real engine and a real store. Its background runs wait
// until the test carries them out.
type live struct {
	*httptest.Server
	store  *sqlite.Store
	engine *engine.Engine
}

// noHooks has nothing bound. It implements hook.Bindings and host.Caller.
type noHooks struct{ host.Caller }

func (noHooks) Resolve(host.Component, host.Origin) []host.BoundPlugin { return nil }

// newLive has two agents without hooks.
func newLive(t *testing.T, m model.Model) *live {
	t.Helper()
	return startLive(t, engine.Config{
		Agents: []*host.Agent{{ID: "plain-agent", Name: "Plain", Model: "default"}, {ID: "other", Model: "default"}},
		Models: map[string]model.Model{"default": m},
	}, noHooks{})
}

// liveHooks are what is bound, and answers.
type liveHooks interface {
	hook.Bindings
	host.Caller
}

// startLive serves the components of a configuration.
func startLive(t *testing.T, cfg engine.Config, bound liveHooks) *live {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store := newConversations(t).store
	queue, err := pool.New(pool.Config{})
	must(t, err)
	hooks, err := hook.NewDispatcher(hook.Config{Caller: bound, Bindings: bound, Log: log})
	must(t, err)
	cfg.Store, cfg.Hooks, cfg.Pool, cfg.Node, cfg.MaxQueued, cfg.Log = store, hooks, queue, "node", 2, log
	e, err := engine.New(cfg)
	must(t, err)
	api, err := New(Config{
		Engine: e, Plugins: &fakePlugins{}, Runs: store, Sessions: store, Jobs: &fakeJobs{},
		Metrics: http.NotFoundHandler(), Ready: func(context.Context) error { return nil }, Log: log,
	})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var listening sync.WaitGroup
	listening.Go(func() { _ = store.Listen(ctx, e.Receive) })
	srv := httptest.NewServer(api)
	t.Cleanup(func() {
		srv.Close()
		stop()
		listening.Wait()
	})
	return &live{Server: srv, store: store, engine: e}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask sends a request to plain-agent and returns the answer, not read yet. A form
// is name=value, name=value, …
func (l *live) ask(t *testing.T, method, path string, form ...string) *http.Response {
	t.Helper()
	values := url.Values{}
	for _, pair := range form {
		name, value, _ := strings.Cut(pair, "=")
		values.Set(name, value)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, l.URL+path, strings.NewReader(values.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", urlEncoded)
	if key := values.Get("key"); key != "" {
		r.Header.Set(idempotencyHeader, key)
	}
	resp, err := l.Client().Do(r)
	must(t, err)
	return resp
}

// answer is ask that reads the answer.
func (l *live) answer(t *testing.T, status int, method, path string, form ...string) string {
	t.Helper()
	resp := l.ask(t, method, path, form...)
	body := readAll(t, resp)
	if resp.StatusCode != status {
		t.Errorf("%s %s: answer %d %s, want %d", method, path, resp.StatusCode, body, status)
	}
	return body
}

// polled is what a client sees of a run.
type polled struct {
	RunID       string `json:"run_id"`
	Status      string
	Content     any
	ContentType string `json:"content_type"`
	Input       any
	Messages    []any
}

func (l *live) poll(t *testing.T, id string) polled {
	t.Helper()
	var run polled
	must(t, json.Unmarshal([]byte(l.answer(t, http.StatusOK, "GET", "/agents/plain-agent/runs/"+id+"?session_id=s")), &run))
	return run
}

// work carries out a run as a worker would.
func (l *live) work(t *testing.T, id string) {
	t.Helper()
	now := time.Now()
	work, ok, err := l.store.ClaimRun(t.Context(), host.Lease{Owner: "node", Until: now.Add(time.Minute)}, now, id)
	if err != nil || !ok {
		t.Errorf("claimed %t, error %v", ok, err)
		return
	}
	if err := l.engine.Work(t.Context(), work); err != nil {
		t.Error(err)
	}
}

const runsPath = "/agents/plain-agent/runs"

// TestLiveBackgroundRun: accepted, polled, carried out, and asked for again.
func TestLiveBackgroundRun(t *testing.T) {
	t.Parallel()
	l := newLive(t, echo.Model{})
	form := []string{"message=hi there", "background=true", "stream=false", "session_id=s", "run_id=r", "key=k"}
	const accepted = `{"run_id":"r","session_id":"s","status":"PENDING"}`
	for range 2 { // the second is the first again
		if got := l.answer(t, http.StatusAccepted, "POST", runsPath, form...); got != accepted {
			t.Errorf("answer %s, want %s", got, accepted)
		}
	}
	l.answer(t, http.StatusConflict, "POST", "/agents/other/runs", form...)
	if got := l.poll(t, "r"); got.Status != "PENDING" || got.Input != nil || got.Content != nil || got.Messages != nil {
		t.Errorf("before it runs: %+v", got)
	}
	for _, path := range []string{"/sessions/s", "/sessions/s/runs", "/sessions/s/runs/r", runsPath + "?session_id=s"} {
		if body := l.answer(t, http.StatusOK, "GET", path); !strings.Contains(body, `"s"`) && !strings.Contains(body, `"PENDING"`) {
			t.Errorf("%s: %s", path, body)
		}
	}
	l.work(t, "r")
	if got := l.poll(t, "r"); got.Status != "COMPLETED" || got.Content != "hi there" || len(got.Messages) == 0 {
		t.Errorf("afterwards: %+v", got)
	}
	if got := l.answer(t, http.StatusAccepted, "POST", runsPath, form...); !strings.Contains(got, `"status":"COMPLETED"`) {
		t.Errorf("answer %s", got)
	}
	form[2] = "stream=true"
	frames := frameNames(t, l.answer(t, http.StatusOK, "POST", runsPath, form...))
	if len(frames) == 0 || frames[0] != "RunStarted 0" || !strings.HasPrefix(frames[len(frames)-1], "RunCompleted") {
		t.Errorf("frames %q", frames)
	}
	form[1] = "background=false"
	frames = frameNames(t, l.answer(t, http.StatusOK, "POST", runsPath, form...))
	if diff := cmp.Diff([]string{"RunStarted", "RunContent", "RunCompleted"}, frames); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

func TestLiveQueueIsBounded(t *testing.T) {
	t.Parallel()
	l := newLive(t, echo.Model{})
	form := []string{"message=hi", "background=true", "stream=false"}
	for range 2 {
		l.answer(t, http.StatusAccepted, "POST", runsPath, form...)
	}
	resp := l.ask(t, "POST", runsPath, form...)
	if body := readAll(t, resp); resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("answer %d %s, Retry-After %q", resp.StatusCode, body, resp.Header.Get("Retry-After"))
	}
}

// stepping says one word for every step it is given.
type stepping struct {
	echo.Model
	steps chan struct{}
}

func (m stepping) Generate(ctx context.Context, req model.Request, delta func(string) error) (model.Response, error) {
	return m.Model.Generate(ctx, req, func(word string) error {
		select {
		case <-m.steps:
		case <-ctx.Done():
			return ctx.Err()
		}
		if delta == nil {
			return nil
		}
		return delta(word)
	})
}

// readTo reads a stream up to the end of the frame that has the text.
func readTo(t *testing.T, stream *bufio.Reader, text string) string {
	t.Helper()
	var read strings.Builder
	for found := false; ; {
		line, err := stream.ReadString('\n')
		must(t, err)
		read.WriteString(line)
		if found = found || strings.Contains(line, text); found && line == "\n" {
			return read.String()
		}
	}
}

// TestLiveStreamIsTakenUpAgain: the client leaves in the middle, the run goes on,
// and what it sends afterwards follows what the client had.
func TestLiveStreamIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	m := stepping{steps: make(chan struct{})}
	l := newLive(t, m)
	first := l.ask(t, "POST", runsPath, "message=one two three", "background=true", "session_id=s", "run_id=r")
	var working sync.WaitGroup
	working.Go(func() { l.work(t, "r") })
	m.steps <- struct{}{}
	had := readTo(t, bufio.NewReader(first.Body), `"content":"one `)
	first.Body.Close()
	frames := frameNames(t, had)

	m.steps <- struct{}{}
	second := l.ask(t, "POST", runsPath+"/r/resume", fmt.Sprint("last_event_index=", len(frames)-1))
	stream := bufio.NewReader(second.Body)
	rest := readTo(t, stream, `"event": "subscribed"`)
	if got := l.poll(t, "r").Status; got != "RUNNING" {
		t.Errorf("status %s", got)
	}
	m.steps <- struct{}{}
	tail, err := io.ReadAll(stream)
	must(t, err)
	second.Body.Close()
	working.Wait()

	got := append(frames, events(frameNames(t, rest+string(tail)))...)
	again := events(frameNames(t, l.answer(t, http.StatusOK, "POST", runsPath+"/r/resume")))
	if diff := cmp.Diff(again, got); diff != "" {
		t.Errorf("replay of the whole (-replay +the two streams):\n%s", diff)
	}
	for i, name := range got {
		if !strings.HasSuffix(name, fmt.Sprint(" ", i)) {
			t.Errorf("frame %d is %q", i, name)
		}
	}
}

// events are the frames that have an index.
func events(frames []string) []string {
	var out []string
	for _, name := range frames {
		if strings.Contains(name, " ") {
			out = append(out, name)
		}
	}
	return out
}

// TestLiveCancel: a run that nobody has begun never begins, one that goes on
// ends, and one that is over stays as it is.
func TestLiveCancel(t *testing.T) {
	t.Parallel()
	m := stepping{steps: make(chan struct{})}
	l := newLive(t, m)
	cancel := func(id string) {
		t.Helper()
		if got := l.answer(t, http.StatusOK, "POST", runsPath+"/"+id+"/cancel?session_id=s"); got != "{}" {
			t.Errorf("answer %s", got)
		}
	}
	form := []string{"message=one two", "background=true", "stream=false", "session_id=s"}
	l.answer(t, http.StatusAccepted, "POST", runsPath, append(form, "run_id=pending")...)
	cancel("pending")
	if got := l.poll(t, "pending").Status; got != "CANCELLED" {
		t.Errorf("status %s of a run that was pending", got)
	}

	l.answer(t, http.StatusAccepted, "POST", runsPath, append(form, "run_id=running")...)
	var working sync.WaitGroup
	working.Go(func() { l.work(t, "running") })
	m.steps <- struct{}{}
	cancel("running")
	working.Wait()
	frames := frameNames(t, l.answer(t, http.StatusOK, "POST", runsPath+"/running/resume", "session_id=s"))
	if n := len(frames); n < 3 || frames[0] != "replay" ||
		!strings.HasPrefix(frames[n-2], "RunCancelled ") || !strings.HasPrefix(frames[n-1], "RunCompleted ") {
		t.Errorf("frames %q", frames)
	}
	cancel("running")
	if got := l.poll(t, "running").Status; got != "CANCELLED" {
		t.Errorf("status %s of a run that was cancelled", got)
	}

	cancel("early")
	l.answer(t, http.StatusAccepted, "POST", runsPath, append(form, "run_id=early")...)
	l.work(t, "early")
	if got := l.poll(t, "early").Status; got != "CANCELLED" {
		t.Errorf("status %s of a run that was cancelled before it came", got)
	}
}
