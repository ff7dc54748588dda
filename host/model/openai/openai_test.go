package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

const apiKey = "sk-test-0123456789"

// open makes a model that does not wait between its attempts.
func open(t testing.TB, config openai.Config) *openai.Model {
	t.Helper()
	if config.ID == "" {
		config.ID = "gpt-test"
	}
	if config.APIKey == "" {
		config.APIKey = apiKey
	}
	if config.Sleep == nil {
		config.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	m, err := openai.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func hello() model.Request {
	return model.Request{Messages: []model.Message{
		{Role: "system", Content: host.TextContent("Be brief.")},
		{Role: "user", Content: json.RawMessage(`{"a":1}`)},
	}}
}

// collect returns a receiver of deltas and what it has received.
func collect() (func(string) error, *[]string) {
	var deltas []string
	return func(text string) error {
		deltas = append(deltas, text)
		return nil
	}, &deltas
}

// generate asks, as a stream or not.
func generate(t *testing.T, m *openai.Model, stream bool) (model.Response, error) {
	t.Helper()
	var delta func(string) error
	if stream {
		delta, _ = collect()
	}
	return m.Generate(t.Context(), hello(), delta)
}

// everyWay runs test for both interfaces, as a stream and not.
func everyWay(t *testing.T, test func(t *testing.T, api openai.API, stream bool)) {
	t.Helper()
	for _, api := range []openai.API{openai.APIChat, openai.APIResponses} {
		t.Run(string(api), func(t *testing.T) {
			t.Parallel()
			test(t, api, false)
		})
		t.Run(string(api)+", stream", func(t *testing.T) {
			t.Parallel()
			test(t, api, true)
		})
	}
}

func modelError(t *testing.T, err error) *model.Error {
	t.Helper()
	var modelErr *model.Error
	if !errors.As(err, &modelErr) {
		t.Fatalf("error = %v, want a *model.Error", err)
	}
	return modelErr
}

func TestGenerate(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		answer := openaitest.Text("hello to you")
		answer.CachedTokens, answer.ReasoningTokens = 4, 2
		server := openaitest.New(t, openaitest.Always(answer))
		temperature := 0.25
		m := open(t, openai.Config{API: api, BaseURL: server.BaseURL(), Temperature: &temperature, MaxCompletionTokens: 50})
		got, err := generate(t, m, stream)
		if err != nil {
			t.Fatal(err)
		}
		if u := got.Usage; u.Duration <= 0 || (u.TimeToFirstToken > 0) != stream || u.TimeToFirstToken > u.Duration {
			t.Errorf("duration %v, time to first token %v", u.Duration, u.TimeToFirstToken)
		}
		got.Usage.Duration, got.Usage.TimeToFirstToken = 0, 0
		want := model.Response{Content: "hello to you", FinishReason: "stop", Usage: host.Metrics{
			InputTokens: 7, OutputTokens: 3, TotalTokens: 10, CacheReadTokens: 4, ReasoningTokens: 2,
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("response (-want +got):\n%s", diff)
		}
		request := server.Requests()[0]
		request.Body = ""
		wantRequest := openaitest.Request{
			API: string(api), Model: "gpt-test", Stream: stream, APIKey: apiKey,
			Messages:    []openaitest.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: `{"a":1}`}},
			Temperature: &temperature, MaxCompletionTokens: 50, IncludeUsage: stream && api == openai.APIChat,
		}
		if api == openai.APIResponses {
			wantRequest.Store = new(bool)
		}
		if diff := cmp.Diff(wantRequest, request); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
	})
}

// What a server counts is summed up for the session: it must not make a sum that no
// store takes.
func TestUsageThatCannotBe(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		answer := openaitest.Text("hello")
		answer.PromptTokens, answer.CompletionTokens = -5, math.MaxInt64
		answer.CachedTokens, answer.ReasoningTokens = math.MinInt64, math.MaxInt64
		server := openaitest.New(t, openaitest.Always(answer))
		got, err := generate(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL()}), stream)
		if err != nil {
			t.Fatal(err)
		}
		got.Usage.Duration, got.Usage.TimeToFirstToken = 0, 0
		want := host.Metrics{OutputTokens: 1e9, TotalTokens: 1e9, ReasoningTokens: 1e9}
		if diff := cmp.Diff(want, got.Usage); diff != "" {
			t.Errorf("usage (-want +got):\n%s", diff)
		}
	})
}

func TestDeltas(t *testing.T) {
	t.Parallel()
	for _, api := range []openai.API{openai.APIChat, openai.APIResponses} {
		server := openaitest.New(t, openaitest.Always(openaitest.Text("hello to you")))
		delta, deltas := collect()
		if _, err := open(t, openai.Config{API: api, BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), delta); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"hello ", "to ", "you"}, *deltas); diff != "" {
			t.Errorf("%s: deltas (-want +got):\n%s", api, diff)
		}
	}
}

func TestRefusalIsWhatTheModelSaid(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Always(openaitest.Answer{Refusal: "I will not."}))
		got, err := generate(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL()}), stream)
		if err != nil || got.Content != "I will not." || got.FinishReason != "stop" {
			t.Errorf("response = %+v, %v", got, err)
		}
	})
}

// What is not configured is not sent: reasoning models refuse it.
//
// Chat bounds the answer by max_completion_tokens, never by max_tokens.
func TestNothingIsSentUnasked(t *testing.T) {
	t.Parallel()
	const messages = `[{"role":"system","content":"Be brief."},{"role":"user","content":"{\"a\":1}"}]`
	const input = `[{"type":"message","role":"system","content":"Be brief."},{"type":"message","role":"user","content":"{\"a\":1}"}]`
	want := map[string]string{
		"chat":               `{"model":"o3-mini","messages":` + messages + `,"stream":false}`,
		"chat, bounded":      `{"model":"o3-mini","messages":` + messages + `,"max_completion_tokens":9,"stream":false}`,
		"responses":          `{"input":` + input + `,"model":"o3-mini","store":false}`,
		"responses, bounded": `{"input":` + input + `,"max_output_tokens":9,"model":"o3-mini","store":false}`,
	}
	for name, body := range want {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, _, bounded := strings.Cut(name, ", ")
			server := openaitest.New(t, openaitest.Always(openaitest.Text("ok")))
			config := openai.Config{ID: "o3-mini", API: openai.API(api), BaseURL: server.BaseURL()}
			if bounded {
				config.MaxCompletionTokens = 9
			}
			if _, err := generate(t, open(t, config), false); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(body, server.Requests()[0].Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTemperatureZeroIsSent(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Always(openaitest.Text("ok")))
		m := open(t, openai.Config{API: api, BaseURL: server.BaseURL(), Temperature: new(float64)})
		if _, err := generate(t, m, stream); err != nil {
			t.Fatal(err)
		}
		if got := server.Requests()[0].Temperature; got == nil || *got > 1e-30 {
			t.Errorf("temperature = %v, want (nearly) 0", got)
		}
	})
}

// Some servers send no deltas, only the whole at the end.
func TestResponseWithoutDeltas(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Answer{
		Raw: `data: {"type":"response.completed","response":{"status":"completed","output":[` +
			`{"type":"web_search_call","id":"ws"},` +
			`{"type":"message","content":[{"type":"output_text","text":"one "},{"type":"output_text","text":"two"}]},` +
			`{"type":"message","content":[{"type":"output_text","text":", three"}]}]}}` + "\n\n",
	}))
	delta, deltas := collect()
	got, err := open(t, openai.Config{API: openai.APIResponses, BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), delta)
	if err != nil || got.Content != "one two, three" {
		t.Errorf("response = %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{"one two, three"}, *deltas); diff != "" {
		t.Errorf("deltas (-want +got):\n%s", diff)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	target := openaitest.New(t, openaitest.Always(openaitest.Text("wrong")))
	redirector := httptest.NewServer(http.RedirectHandler(target.BaseURL()+"/chat/completions", http.StatusTemporaryRedirect))
	t.Cleanup(redirector.Close)
	_, err := generate(t, open(t, openai.Config{BaseURL: redirector.URL}), false)
	if got := modelError(t, err); got.Message != "the model server redirects elsewhere, which is not followed" {
		t.Errorf("error = %+v", got)
	}
	if target.Calls() != 0 {
		t.Error("the redirect was followed")
	}
}

// The answers are held for ever, so the server of these tests can only end when
// the client has really dropped the connection.
func TestCancel(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		ctx, cancel := context.WithCancel(t.Context())
		server := openaitest.New(t, func(int, openaitest.Request) openaitest.Answer {
			if !stream {
				cancel()
			}
			return openaitest.Answer{Content: "one two", Hold: make(chan struct{})}
		})
		var delta func(string) error
		if stream {
			delta = func(string) error { cancel(); return nil }
		}
		_, err := open(t, openai.Config{API: api, BaseURL: server.BaseURL()}).Generate(ctx, hello(), delta)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v, want context.Canceled", err)
		}
		if server.Calls() != 1 {
			t.Errorf("%d calls", server.Calls())
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "one two", Hold: make(chan struct{})}))
		m := open(t, openai.Config{API: api, BaseURL: server.BaseURL(), Timeout: 50 * time.Millisecond})
		_, err := generate(t, m, stream)
		got := modelError(t, err)
		if got.Type != model.ErrorProvider || got.Message != "the model did not answer within 50ms" {
			t.Errorf("error = %+v", got)
		}
	})
}

func TestErrorOfDeltaEndsTheCall(t *testing.T) {
	t.Parallel()
	for _, api := range []openai.API{openai.APIChat, openai.APIResponses} {
		server := openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "one two", Hold: make(chan struct{})}))
		gone := errors.New("the client has gone")
		m := open(t, openai.Config{API: api, BaseURL: server.BaseURL()})
		_, err := m.Generate(t.Context(), hello(), func(string) error { return gone })
		if err != gone { //nolint:errorlint // the very error must come back
			t.Errorf("%s: error = %v, want %v", api, err, gone)
		}
		if server.Calls() != 1 {
			t.Errorf("%s: %d calls", api, server.Calls())
		}
	}
}
