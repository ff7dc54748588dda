package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// playing sends the events of a run and returns it.
func playing(run host.Run, events ...host.Event) script {
	return func(_ context.Context, req host.RunRequest) (host.Run, error) {
		for _, e := range events {
			e.At, e.Run = at, &run
			if err := req.Events(e); err != nil {
				return host.Run{}, err
			}
		}
		return run, nil
	}
}

func content(text string) host.Event {
	return host.Event{Kind: host.EventRunContent, Content: host.TextContent(text)}
}

// completedEvents are all events of a run that has hooks at input and output.
func completedEvents() []host.Event {
	input := host.TextContent("hi")
	return []host.Event{
		{Kind: host.EventRunStarted},
		{Kind: host.EventPreHookStarted, Hook: "pii-guard.check", Input: input},
		{Kind: host.EventPreHookCompleted, Hook: "pii-guard.check", Input: input},
		{Kind: host.EventModelRequestStarted},
		{Kind: host.EventModelRequestCompleted, Metrics: &host.Metrics{InputTokens: 10, OutputTokens: 5, TotalTokens: 15}},
		{Kind: host.EventPostHookStarted, Hook: "tone.check"},
		{Kind: host.EventPostHookCompleted, Hook: "tone.check"},
		content("Hello <from>\n"), content(" fake"),
		{Kind: host.EventRunContentCompleted},
		{Kind: host.EventRunCompleted},
	}
}

func TestStreamInAgentOSShape(t *testing.T) {
	t.Parallel()
	cancelled := completedRun()
	cancelled.Status, cancelled.Content = host.RunCancelled, nil
	for name, tc := range map[string]struct {
		form   string
		script script
	}{
		"run.sse": {"message=hi", playing(completedRun(), completedEvents()...)},
		"no-events.sse": {
			"message=hi&stream=true&stream_events=false", playing(completedRun(), completedEvents()...),
		},
		"input-refused.sse": {"message=hi", playing(refusedRun(), host.Event{Kind: host.EventRunStarted},
			host.Event{Kind: host.EventPreHookStarted, Hook: "pii-guard.check", Input: host.TextContent("hi")},
			host.Event{Kind: host.EventRunError})},
		"no-events-refused.sse": {"message=hi&stream_events=0", playing(refusedRun(),
			host.Event{Kind: host.EventRunStarted}, host.Event{Kind: host.EventRunError})},
		"cancelled.sse": {"message=hi", playing(cancelled, host.Event{Kind: host.EventRunCancelled})},
		"silent.sse":    {"message=hi&stream_events=no", playing(completedRun())},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{engine: fakeEngine{script: tc.script}}
			w := f.run(t, tc.form)
			golden(t, name, w.Body.String())
			got := map[string]string{}
			for _, h := range []string{"Content-Type", "Cache-Control", "X-Accel-Buffering"} {
				got[h] = w.Header().Get(h)
			}
			want := map[string]string{
				"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no",
			}
			if diff := cmp.Diff(want, got); diff != "" || w.Code != http.StatusOK {
				t.Errorf("status %d, headers (-want +got):\n%s", w.Code, diff)
			}
		})
	}
}

func TestStreamEndsWithTheErrorOfARunThatCouldNotBeStored(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{script: func(_ context.Context, req host.RunRequest) (host.Run, error) {
		run := completedRun()
		if err := req.Events(host.Event{Kind: host.EventRunStarted, At: at, Run: &run}); err != nil {
			return host.Run{}, err
		}
		return host.Run{}, errors.New("disk is on fire")
	}}}
	w := f.run(t, "message=hi&session_id=s-1")
	frames := strings.Split(strings.TrimSpace(w.Body.String()), "\n\n")
	want := "event: RunError\n" +
		`data: {"created_at":1795167000,"event":"RunError","agent_id":"plain-agent","agent_name":"Plain",` +
		`"session_id":"s-1","nested_depth":0,"content":"Internal Server Error",` +
		`"error_type":"host_error","error_id":"internal"}`
	if len(frames) != 2 || frames[1] != want {
		t.Errorf("frames %q, want RunStarted and %q", frames, want)
	}
	if got := strings.Count(f.log.String(), "disk is on fire"); got != 1 {
		t.Errorf("the cause is logged %d times, want once:\n%s", got, f.log.String())
	}
}

func TestStreamHasOneLastEvent(t *testing.T) {
	t.Parallel()
	f := fixture{engine: fakeEngine{script: func(_ context.Context, req host.RunRequest) (host.Run, error) {
		run := refusedRun()
		if err := req.Events(host.Event{Kind: host.EventRunError, At: at, Run: &run}); err != nil {
			return host.Run{}, err
		}
		return host.Run{}, errors.New("disk is on fire")
	}}}
	if got := strings.Count(f.run(t, "message=hi").Body.String(), "event: RunError"); got != 1 {
		t.Errorf("%d RunError frames, want 1", got)
	}
}

// TestStreamSendsEventsAtOnce reads an event over a real connection while the
// run still waits.
func TestStreamSendsEventsAtOnce(t *testing.T) {
	t.Parallel()
	read := make(chan struct{})
	f := fixture{engine: fakeEngine{script: func(_ context.Context, req host.RunRequest) (host.Run, error) {
		run := completedRun()
		err := req.Events(host.Event{Kind: host.EventRunStarted, At: at, Run: &run})
		<-read
		return run, err
	}}}
	srv := f.server(t)
	resp, err := srv.Client().PostForm(srv.URL+"/agents/plain-agent/runs", map[string][]string{"message": {"hi"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	line, err := bufio.NewReader(resp.Body).ReadString('\n')
	close(read)
	if err != nil || line != "event: RunStarted\n" {
		t.Errorf("first line %q, %v", line, err)
	}
}

func TestStreamCancelsTheRunWhenTheClientLeaves(t *testing.T) {
	t.Parallel()
	for name, encode := range map[string]func(*testing.T, [][2]string) (string, string){
		"urlencoded": encodeURL, "multipart": encodeMultipart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{})
			f := fixture{engine: fakeEngine{script: waiting(ended)}}
			srv := f.server(t)
			contentType, body := encode(t, [][2]string{{"message", "hi"}})
			resp, err := srv.Client().Post(srv.URL+"/agents/plain-agent/runs", contentType, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			<-ended
			srv.Close()
			if strings.Contains(f.log.String(), "level=ERROR") {
				t.Errorf("a client that left is no error:\n%s", f.log.String())
			}
		})
	}
}

// waiting begins a run that ends with its context.
func waiting(ended chan<- struct{}) script {
	return func(ctx context.Context, req host.RunRequest) (host.Run, error) {
		defer close(ended)
		run := completedRun()
		if err := req.Events(host.Event{Kind: host.EventRunStarted, At: at, Run: &run}); err != nil {
			return host.Run{}, err
		}
		<-ctx.Done()
		return host.Run{}, ctx.Err()
	}
}

// slowConn is a connection whose write deadlines are recorded.
type slowConn struct {
	*httptest.ResponseRecorder
	deadlines []time.Time
	writeErr  error
}

func (c *slowConn) SetWriteDeadline(at time.Time) error {
	c.deadlines = append(c.deadlines, at)
	return nil
}

func (c *slowConn) Write(data []byte) (int, error) {
	if c.writeErr != nil {
		return 0, c.writeErr
	}
	return c.ResponseRecorder.Write(data)
}

func TestStreamGivesEachFrameADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := &slowConn{ResponseRecorder: httptest.NewRecorder()}
		s := newStream(conn)
		var want []time.Time
		for range 2 {
			want = append(want, time.Now().Add(writeTimeout))
			if err := s.send("RunContent", json.RawMessage(`{}`)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) // the bubble's
		}
		if diff := cmp.Diff(want, conn.deadlines); diff != "" {
			t.Errorf("deadlines (-want +got):\n%s", diff)
		}
		conn.writeErr = errors.New("i/o timeout")
		for range 2 { // it stays broken
			if err := s.send("RunContent", json.RawMessage(`{}`)); !errors.Is(err, conn.writeErr) {
				t.Errorf("error %v, want %v", err, conn.writeErr)
			}
		}
	})
}

func TestStreamBeatsInSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := httptest.NewRecorder()
		s := newStream(w)
		stop := s.beat(15 * time.Second)
		time.Sleep(10 * time.Second) // the bubble's, like all below
		if err := s.send("RunStarted", json.RawMessage(`{}`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(14 * time.Second)
		s.mu.Lock()
		if got := strings.Count(w.Body.String(), "heartbeat"); got != 0 {
			t.Errorf("%d heartbeats before a silence of 15 s", got)
		}
		s.mu.Unlock()
		time.Sleep(17 * time.Second) // 15 s and 30 s after the event
		stop()
		stop()
		time.Sleep(time.Hour)
		want := "event: RunStarted\ndata: {}\n\n: heartbeat\n\n: heartbeat\n\n"
		if got := w.Body.String(); got != want {
			t.Errorf("stream %q, want %q", got, want)
		}
	})
}

// TestStreamThatBeganWithAHeartbeatEndsWithTheError: the answer can be no other
// any more.
func TestStreamThatBeganWithAHeartbeatEndsWithTheError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fixture{engine: fakeEngine{script: func(context.Context, host.RunRequest) (host.Run, error) {
			time.Sleep(20 * time.Second) // the bubble's: behind another run of the session
			return host.Run{}, host.Errorf(host.CodeUnavailable, "The host is stopping")
		}}}
		want := ": heartbeat\n\nevent: RunError\n" +
			`data: {"created_at":1795167000,"event":"RunError","agent_id":"plain-agent","agent_name":"Plain",` +
			`"nested_depth":0,"content":"The host is stopping","error_type":"host_error","error_id":"unavailable"}` + "\n\n"
		wantAnswer(t, f.run(t, "message=hi"), http.StatusOK, want)
	})
}

// TestStreamWritesWholeFrames beats as fast as it can beside the events.
func TestStreamWritesWholeFrames(t *testing.T) {
	t.Parallel()
	var events []host.Event
	for range 200 {
		events = append(events, content("x"))
	}
	f := fixture{engine: fakeEngine{script: playing(completedRun(), events...)}, config: Config{Heartbeat: time.Microsecond}}
	frames := strings.Split(strings.TrimSuffix(f.run(t, "message=hi").Body.String(), "\n\n"), "\n\n")
	count := 0
	for _, frame := range frames {
		switch {
		case frame == ": heartbeat":
		case strings.HasPrefix(frame, "event: RunContent\ndata: {") && strings.HasSuffix(frame, "}"):
			count++
		default:
			t.Errorf("frame %q", frame)
		}
	}
	if count != len(events) {
		t.Errorf("%d events, want %d", count, len(events))
	}
}
