package openai_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// clock is a clock that only moves when somebody sleeps.
type clock struct {
	now    time.Time
	sleeps []time.Duration
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.sleeps = append(c.sleeps, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

// on makes a configuration that goes by the clock, without jitter.
func (c *clock) on(config openai.Config) openai.Config {
	config.Now, config.Sleep = func() time.Time { return c.now }, c.sleep
	config.Jitter = func() float64 { return 1 }
	return config
}

const (
	half = 500 * time.Millisecond
	one  = time.Second
)

func TestRetry(t *testing.T) {
	t.Parallel()
	ok := openaitest.Text("at last")
	busy := openaitest.Failure(429, "rate_limit_exceeded", "slow down")
	tests := []struct {
		name string
		fail openaitest.Answer
		want bool
	}{
		{"rate limit", busy, true},
		{"server error", openaitest.Failure(500, "server_error", "boom"), true},
		{"gateway", openaitest.Answer{Status: 502, Raw: "<h1>Bad Gateway</h1>"}, true},
		{"overloaded", openaitest.Failure(503, "", "overloaded"), true},
		{"endless error", openaitest.Answer{Status: 503, Raw: "busy ", Endless: true}, true},
		{"request timeout", openaitest.Failure(408, "", "slow"), true},
		{"conflict", openaitest.Failure(409, "", "locked"), true},
		{"dropped", openaitest.Answer{Drop: true}, true},
		{"quota", openaitest.Failure(429, "insufficient_quota", "pay"), false},
		{"quota by its type", openaitest.Answer{Status: 429, Raw: `{"error":{"type":"insufficient_quota","code":"credit_balance_exhausted","message":"pay"}}`}, false},
		{"bad request", openaitest.Failure(400, "", "bad"), false},
		{"wrong key", openaitest.Failure(401, "invalid_api_key", "who"), false},
		{"not found", openaitest.Failure(404, "", "which"), false},
		{"unprocessable", openaitest.Failure(422, "", "bad"), false},
		{"cut off", openaitest.Answer{Cut: true}, false},
		{"garbage", openaitest.Answer{Raw: "<html>"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			everyWay(t, func(t *testing.T, api openai.API, stream bool) {
				server := openaitest.New(t, openaitest.Script(test.fail, test.fail, ok))
				c := newClock()
				got, err := generate(t, open(t, c.on(openai.Config{API: api, BaseURL: server.BaseURL()})), stream)
				if test.want && (err != nil || got.Content != "at last" || got.Usage.Duration != 1.5) {
					t.Errorf("response = %+v, %v", got, err)
				}
				wantCalls, wantSleeps := 3, []time.Duration{half, one}
				if !test.want {
					modelError(t, err)
					wantCalls, wantSleeps = 1, nil
				}
				if server.Calls() != wantCalls {
					t.Errorf("%d calls, want %d", server.Calls(), wantCalls)
				}
				if diff := cmp.Diff(wantSleeps, c.sleeps); diff != "" {
					t.Errorf("sleeps (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Every wait is longer than the one before, up to a limit, and the last failure
// is the one that is told.
func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Failure(500, "", "boom")))
	c, retries := newClock(), 6
	_, err := generate(t, open(t, c.on(openai.Config{BaseURL: server.BaseURL(), MaxRetries: &retries})), false)
	if got := modelError(t, err); got.Status != 500 || got.Message != "the model provider answered 500 Internal Server Error: boom (7 attempts)" {
		t.Errorf("error = %+v", got)
	}
	if diff := cmp.Diff([]time.Duration{half, one, 2 * one, 4 * one, 8 * one, 8 * one}, c.sleeps); diff != "" {
		t.Errorf("sleeps (-want +got):\n%s", diff)
	}
	if server.Calls() != 7 {
		t.Errorf("%d calls", server.Calls())
	}
}

func TestNoRetries(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Failure(500, "", "boom")))
	c, none := newClock(), 0
	_, err := generate(t, open(t, c.on(openai.Config{BaseURL: server.BaseURL(), MaxRetries: &none})), false)
	if got := modelError(t, err); !strings.HasSuffix(got.Message, "boom") {
		t.Errorf("error = %+v", got)
	}
	if server.Calls() != 1 {
		t.Errorf("%d calls", server.Calls())
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"20":                            20 * time.Second,
		"3600":                          time.Minute,
		"99999999999999999999999":       time.Minute,
		"-5":                            0,
		"1.5":                           0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second,
		"Fri, 02 Jan 2026 05:00:00 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:00:00 GMT": 0,
		"Fri, 02 Jan 9999 03:00:00 GMT": time.Minute,
	}
	for header, want := range tests {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			busy := openaitest.Failure(429, "", "slow down")
			busy.RetryAfter = header
			server := openaitest.New(t, openaitest.Script(busy, openaitest.Text("ok")))
			c := newClock()
			if _, err := generate(t, open(t, c.on(openai.Config{BaseURL: server.BaseURL()})), false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]time.Duration{want + half}, c.sleeps); diff != "" {
				t.Errorf("sleeps (-want +got):\n%s", diff)
			}
		})
	}
}

func TestJitterShortensTheWait(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Script(openaitest.Failure(500, "", "boom"), openaitest.Text("ok")))
	c := newClock()
	config := c.on(openai.Config{BaseURL: server.BaseURL()})
	config.Jitter = func() float64 { return 0.6 }
	if _, err := generate(t, open(t, config), false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{300 * time.Millisecond}, c.sleeps); diff != "" {
		t.Errorf("sleeps (-want +got):\n%s", diff)
	}
}

// A wait that would outlast the deadline is not begun.
func TestDeadlineCoversRetries(t *testing.T) {
	t.Parallel()
	busy := openaitest.Failure(429, "", "slow down")
	busy.RetryAfter = "20"
	server := openaitest.New(t, openaitest.Always(busy))
	c, retries := newClock(), 10
	_, err := generate(t, open(t, c.on(openai.Config{BaseURL: server.BaseURL(), Timeout: time.Minute, MaxRetries: &retries})), false)
	if got := modelError(t, err); got.Status != 429 || !strings.HasSuffix(got.Message, "slow down (3 attempts)") {
		t.Errorf("error = %+v", got)
	}
	if diff := cmp.Diff([]time.Duration{20*one + half, 21 * one}, c.sleeps); diff != "" {
		t.Errorf("sleeps (-want +got):\n%s", diff)
	}
}

func TestCancelEndsTheWait(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	busy := openaitest.Failure(429, "", "slow down")
	busy.RetryAfter = "3600"
	server := openaitest.New(t, openaitest.Always(busy))
	m, err := openai.New(openai.Config{ID: "gpt-test", BaseURL: server.BaseURL(), Jitter: func() float64 {
		cancel() // the wait begins
		return 1
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Generate(ctx, hello(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
	if server.Calls() != 1 {
		t.Errorf("%d calls", server.Calls())
	}
}

// What the caller has seen of an answer cannot be taken back, so nothing is
// tried again after it.
func TestNoRetryAfterADelta(t *testing.T) {
	t.Parallel()
	for _, api := range []openai.API{openai.APIChat, openai.APIResponses} {
		server := openaitest.New(t, openaitest.Script(
			openaitest.Answer{Content: "one two", Late: true, Code: "server_error", Error: "boom"}, openaitest.Text("again"),
		))
		delta, deltas := collect()
		_, err := open(t, openai.Config{API: api, BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), delta)
		if got := modelError(t, err); !strings.HasSuffix(got.Message, "boom") {
			t.Errorf("%s: error = %+v", api, got)
		}
		if diff := cmp.Diff([]string{"one ", "two"}, *deltas); diff != "" || server.Calls() != 1 {
			t.Errorf("%s: %d calls, deltas (-want +got):\n%s", api, server.Calls(), diff)
		}
	}
}

// Before the first delta an error inside the stream is one like any other.
func TestRetryBeforeTheFirstDelta(t *testing.T) {
	t.Parallel()
	for _, api := range []openai.API{openai.APIChat, openai.APIResponses} {
		server := openaitest.New(t, openaitest.Script(
			openaitest.Answer{Late: true, Code: "server_error", Error: "boom"}, openaitest.Text("one two"),
		))
		delta, deltas := collect()
		if _, err := open(t, openai.Config{API: api, BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), delta); err != nil {
			t.Errorf("%s: %v", api, err)
		}
		if diff := cmp.Diff([]string{"one ", "two"}, *deltas); diff != "" {
			t.Errorf("%s: deltas (-want +got):\n%s", api, diff)
		}
	}
}

func TestServerIsDown(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Text("never")))
	server.Close()
	c := newClock()
	_, err := generate(t, open(t, c.on(openai.Config{BaseURL: server.BaseURL()})), false)
	got := modelError(t, err)
	if got.Type != model.ErrorProvider || got.Message != "the model server could not be reached (3 attempts)" {
		t.Errorf("error = %+v", got)
	}
}

// A certificate that is not trusted now will not be in a second.
func TestNoRetryWithoutTrust(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	c := newClock()
	_, err := generate(t, open(t, c.on(openai.Config{BaseURL: server.URL})), false)
	if got := modelError(t, err); got.Message != "the model server could not be reached" {
		t.Errorf("error = %+v", got)
	}
	if len(c.sleeps) > 0 {
		t.Errorf("sleeps = %v", c.sleeps)
	}
}
