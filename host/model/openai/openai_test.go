package openai_test

import (
	"context"
	"encoding/json"
	"errors"
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

func open(t *testing.T, config openai.Config) *openai.Model {
	t.Helper()
	if config.ID == "" {
		config.ID = "gpt-test"
	}
	if config.APIKey == "" {
		config.APIKey = apiKey
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

func TestGenerateWhole(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Text("hello to you")))
	temperature := 0.25
	m := open(t, openai.Config{BaseURL: server.BaseURL(), Temperature: &temperature, MaxCompletionTokens: 50})
	got, err := m.Generate(t.Context(), hello(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.Content != "hello to you" || got.FinishReason != "stop" {
		t.Errorf("response = %+v", got)
	}
	if u := got.Usage; u.InputTokens != 7 || u.OutputTokens != 3 || u.TotalTokens != 10 || u.Duration <= 0 {
		t.Errorf("usage = %+v", u)
	}
	req := server.Requests()[0]
	want := []openaitest.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: `{"a":1}`}}
	if diff := cmp.Diff(want, req.Messages); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if req.Model != "gpt-test" || req.Stream || req.APIKey != apiKey || *req.Temperature != 0.25 || req.MaxCompletionTokens != 50 {
		t.Errorf("request = %+v", req)
	}
}

func TestGenerateStream(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Text("hello to you")))
	m := open(t, openai.Config{BaseURL: server.BaseURL()})
	delta, deltas := collect()
	got, err := m.Generate(t.Context(), hello(), delta)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"hello ", "to ", "you"}, *deltas); diff != "" {
		t.Errorf("deltas (-want +got):\n%s", diff)
	}
	if got.Content != "hello to you" || got.FinishReason != "stop" {
		t.Errorf("response = %+v", got)
	}
	u := got.Usage
	if u.InputTokens != 7 || u.OutputTokens != 3 || u.TotalTokens != 10 {
		t.Errorf("usage = %+v", u)
	}
	if u.TimeToFirstToken <= 0 || u.TimeToFirstToken > u.Duration {
		t.Errorf("time to first token %v, duration %v", u.TimeToFirstToken, u.Duration)
	}
	if req := server.Requests()[0]; !req.Stream || !req.StreamOptions.IncludeUsage || req.Temperature != nil {
		t.Errorf("request = %+v", req)
	}
}

func TestTemperatureZeroIsSent(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Text("ok")))
	m := open(t, openai.Config{BaseURL: server.BaseURL(), Temperature: new(float64)})
	if _, err := m.Generate(t.Context(), hello(), nil); err != nil {
		t.Fatal(err)
	}
	if got := server.Requests()[0].Temperature; got == nil || *got > 1e-30 {
		t.Errorf("temperature = %v, want (nearly) 0", got)
	}
}

func TestGenerateFails(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	tests := []struct {
		name     string
		answer   openaitest.Answer
		wantType string
		status   int
		message  string
	}{
		{"server error", openaitest.Failure(500, "", "boom"), model.ErrorProvider, 500, "boom"},
		{"unknown key", openaitest.Failure(401, "invalid_api_key", "Incorrect API key provided: "+apiKey), model.ErrorAuthentication, 401, "provided: [key]"},
		{"forbidden", openaitest.Failure(403, "", "no"), model.ErrorAuthentication, 403, "403 Forbidden: no"},
		{"rate limit", openaitest.Failure(429, "rate_limit_exceeded", "slow down"), model.ErrorRateLimit, 429, "slow down"},
		{"context length", openaitest.Failure(400, "context_length_exceeded", "too long"), model.ErrorContextWindow, 400, "too long"},
		{"context length in words", openaitest.Failure(400, "", "This model's maximum context length is 8 tokens."), model.ErrorContextWindow, 400, "maximum context length"},
		{"not an OpenAI error", openaitest.Answer{Status: 502, Raw: "<h1>Bad\n\x00Gateway</h1>"}, model.ErrorProvider, 502, "<h1>Bad Gateway</h1>"},
		{"long text", openaitest.Answer{Status: 500, Raw: long}, model.ErrorProvider, 500, "xxx…"},
		{"garbage", openaitest.Answer{Raw: "<html>"}, model.ErrorProvider, 0, "the model's answer"},
		{"no choices", openaitest.Answer{Raw: `{"choices": []}`}, model.ErrorProvider, 0, "the model's answer"},
		{"garbage in a chunk", openaitest.Answer{Raw: "data: {\"choices\": [\n\ndata: [DONE]\n\n"}, model.ErrorProvider, 0, "could not be read"},
		{"cut", openaitest.Answer{Content: "one two three", Cut: true}, model.ErrorProvider, 0, "cut off"},
		{"too large", openaitest.Answer{Content: long + long}, model.ErrorProvider, 0, "too large"},
	}
	for _, test := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(test.name+map[bool]string{true: ", stream"}[stream], func(t *testing.T) {
				t.Parallel()
				server := openaitest.New(t, openaitest.Always(test.answer))
				m := open(t, openai.Config{BaseURL: server.BaseURL(), MaxResponseBytes: 8000})
				var delta func(string) error
				if stream {
					delta, _ = collect()
				}
				_, err := m.Generate(t.Context(), hello(), delta)
				got := modelError(t, err)
				if got.Type != test.wantType || got.Status != test.status || !strings.Contains(got.Message, test.message) {
					t.Errorf("error = %+v, want %s, %d, %q", got, test.wantType, test.status, test.message)
				}
				if len(got.Message) > 600 || strings.Contains(err.Error()+causes(err), apiKey) {
					t.Errorf("message is too long or holds the key: %s", err)
				}
			})
		}
	}
}

// causes joins the texts of a chain.
func causes(err error) string {
	var b strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		b.WriteString(err.Error() + "\n")
	}
	return b.String()
}

func modelError(t *testing.T, err error) *model.Error {
	t.Helper()
	var modelErr *model.Error
	if !errors.As(err, &modelErr) {
		t.Fatalf("error = %v, want a *model.Error", err)
	}
	return modelErr
}

func TestStreamWithoutFinishReason(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "one two", Unfinished: true}))
	delta, deltas := collect()
	_, err := open(t, openai.Config{BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), delta)
	if got := modelError(t, err); got.Type != model.ErrorProvider || !strings.Contains(got.Message, "cut off") {
		t.Errorf("error = %+v", got)
	}
	if len(*deltas) != 2 {
		t.Errorf("deltas = %q", *deltas)
	}
}

func TestStreamErrorInsideTheStream(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Answer{
		Raw: "data: {\"error\": {\"message\": \"late\", \"code\": \"rate_limit_exceeded\"}}\n\n",
	}))
	delta, _ := collect()
	_, err := open(t, openai.Config{BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), delta)
	if got := modelError(t, err); got.Type != model.ErrorRateLimit || !strings.Contains(got.Message, "late") {
		t.Errorf("error = %+v", got)
	}
}

func TestServerIsDown(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Text("never")))
	server.Close()
	_, err := open(t, openai.Config{BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), nil)
	got := modelError(t, err)
	if got.Type != model.ErrorProvider || got.Message != "the model server could not be reached" {
		t.Errorf("error = %+v", got)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	target := openaitest.New(t, openaitest.Always(openaitest.Text("wrong")))
	redirector := httptest.NewServer(http.RedirectHandler(target.BaseURL()+"/chat/completions", http.StatusTemporaryRedirect))
	t.Cleanup(redirector.Close)
	_, err := open(t, openai.Config{BaseURL: redirector.URL}).Generate(t.Context(), hello(), nil)
	if got := modelError(t, err); !strings.Contains(got.Message, "redirects") {
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
	for _, stream := range []bool{false, true} {
		t.Run(map[bool]string{false: "whole", true: "stream"}[stream], func(t *testing.T) {
			t.Parallel()
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
			_, err := open(t, openai.Config{BaseURL: server.BaseURL()}).Generate(ctx, hello(), delta)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want context.Canceled", err)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Answer{Hold: make(chan struct{})}))
	m := open(t, openai.Config{BaseURL: server.BaseURL(), Timeout: 20 * time.Millisecond})
	_, err := m.Generate(t.Context(), hello(), nil)
	got := modelError(t, err)
	if got.Type != model.ErrorProvider || got.Message != "the model did not answer within 20ms" {
		t.Errorf("error = %+v", got)
	}
}

func TestErrorOfDeltaEndsTheCall(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "one two", Hold: make(chan struct{})}))
	gone := errors.New("the client has gone")
	_, err := open(t, openai.Config{BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), func(string) error { return gone })
	if err != gone { //nolint:errorlint // the very error must come back
		t.Errorf("error = %v, want %v", err, gone)
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	hot := 3.0
	_, err := openai.New(openai.Config{
		BaseURL: "https://user:secret@example.com", APIKey: "sk\n", Temperature: &hot,
		MaxCompletionTokens: -1, Timeout: -1, MaxResponseBytes: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"id:", "base_url:", "api_key:", "temperature:", "max_completion_tokens:", "timeout:", "max_response_bytes:"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("the error does not name %s: %v", field, err)
		}
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error quotes the password: %v", err)
	}
}

func TestNewRefusesATemperatureTheModelCannotHave(t *testing.T) {
	t.Parallel()
	warm := 0.5
	if _, err := openai.New(openai.Config{ID: "gpt-5.2", Temperature: &warm}); err == nil || !strings.Contains(err.Error(), "temperature") {
		t.Errorf("error = %v, want one that names temperature", err)
	}
}

func TestInfo(t *testing.T) {
	t.Parallel()
	want := model.Info{ID: "gpt-test", Name: "OpenAIChat", Provider: "OpenAI"}
	if diff := cmp.Diff(want, open(t, openai.Config{}).Info()); diff != "" {
		t.Errorf("info (-want +got):\n%s", diff)
	}
}
