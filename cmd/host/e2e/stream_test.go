package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// event is one frame of a run's stream.
type event struct {
	Name      string          `json:"event"`
	RunID     string          `json:"run_id"`
	SessionID string          `json:"session_id"`
	AgentID   string          `json:"agent_id"`
	Content   json.RawMessage `json:"content"`
	PreHook   string          `json:"pre_hook_name"`
	PostHook  string          `json:"post_hook_name"`
	RunInput  struct {
		Content string `json:"input_content"`
	} `json:"run_input"`
	ErrorType    string `json:"error_type"`
	ErrorID      string `json:"error_id"`
	OutputTokens int    `json:"output_tokens"`
	// Index is the event's place in the stream of a background run; nil elsewhere.
	Index *int `json:"event_index"`
	// The rest is of the frames that say what a resumed stream holds.
	Status  string `json:"status"`
	Total   int    `json:"total_events"`
	Missed  int    `json:"missed_events"`
	Error   string `json:"error"`
	Metrics struct {
		TotalTokens int `json:"total_tokens"`
	} `json:"metrics"`

	// raw is the data line.
	raw string
}

func (e event) text() string {
	var s string
	if json.Unmarshal(e.Content, &s) != nil {
		return string(e.Content)
	}
	return s
}

// stream is an open stream.
type stream struct {
	body  io.Closer
	lines *bufio.Scanner
}

// openStream runs an agent with a stream.
func (c *client) openStream(ctx context.Context, component string, f form) (*stream, error) {
	return c.openEvents(ctx, home(component)+"/runs", f.with("stream", "true"))
}

// openEvents sends a form that is answered with a stream.
func (c *client) openEvents(ctx context.Context, path string, f form) (*stream, error) {
	contentType, body := f.multipart()
	res, err := c.open(ctx, "POST", path, contentType, body)
	if err != nil {
		return nil, err
	}
	got := res.Header.Get("Content-Type")
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(got, "text/event-stream") {
		res.Body.Close()
		return nil, &statusError{res.StatusCode, got}
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return &stream{body: res.Body, lines: lines}, nil
}

// statusError is an answer that is no stream.
type statusError struct {
	status      int
	contentType string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("status %d with %q", e.status, e.contentType)
}

// next reads one frame: a line with the name, a line with the data, an empty
// line. It returns io.EOF after the last one.
func (s *stream) next() (event, error) {
	var frame []string
	for s.lines.Scan() {
		line := s.lines.Text()
		switch {
		case line == "" && len(frame) > 0:
			return parseFrame(frame)
		case line != "" && !strings.HasPrefix(line, ":"):
			frame = append(frame, line)
		}
	}
	if err := s.lines.Err(); err != nil {
		return event{}, err
	}
	return event{}, io.EOF
}

func parseFrame(frame []string) (event, error) {
	var e event
	if len(frame) != 2 {
		return e, fmt.Errorf("frame of %d lines: %q", len(frame), frame)
	}
	name, named := strings.CutPrefix(frame[0], "event: ")
	data, hasData := strings.CutPrefix(frame[1], "data: ")
	if !named || !hasData {
		return e, fmt.Errorf("malformed frame: %q", frame)
	}
	if err := json.Unmarshal([]byte(data), &e); err != nil {
		return e, fmt.Errorf("data of %s: %w", name, err)
	}
	if e.Name != name {
		return e, fmt.Errorf("the frame %s says it is %s", name, e.Name)
	}
	e.raw = data
	return e, nil
}

// until reads frames up to and with the first of that name.
func (s *stream) until(t testing.TB, name string) []event {
	t.Helper()
	var events []event
	for {
		e, err := s.next()
		if err != nil {
			t.Fatalf("no %s after %v: %v", name, names(events), err)
		}
		events = append(events, e)
		if e.Name == name {
			return events
		}
	}
}

// rest reads frames to the end of the stream.
func (s *stream) rest(t testing.TB) []event {
	t.Helper()
	var events []event
	for {
		e, err := s.next()
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Fatalf("after %v: %v", names(events), err)
		}
		events = append(events, e)
	}
}

// mustStream opens a stream that ends with the test.
func (c *client) mustStream(t testing.TB, component string, f form) *stream {
	t.Helper()
	s, err := c.openStream(t.Context(), component, f)
	if err != nil {
		t.Fatalf("stream %s: %v", component, err)
	}
	t.Cleanup(func() { s.body.Close() })
	return s
}

// stream runs an agent and returns all frames.
func (c *client) stream(t testing.TB, component string, f form) []event {
	t.Helper()
	s := c.mustStream(t, component, f)
	defer s.body.Close()
	return s.rest(t)
}

func names(events []event) []string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = e.Name
	}
	return all
}

// contents joins what the frames of the content say.
func contents(events []event) string {
	var b strings.Builder
	for _, e := range events {
		if e.Name == "RunContent" {
			b.WriteString(e.text())
		}
	}
	return b.String()
}
