package openai_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// endlessDelta is an event that says something in either interface.
const endlessDelta = `data: {"type": "response.output_text.delta", "delta": "on ", "choices": [{"index": 0, "delta": {"content": "on "}}]}` + "\n\n"

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
		{"server error", openaitest.Failure(500, "", "boom"), model.ErrorProvider, 500, "boom (3 attempts)"},
		{"unknown key", openaitest.Failure(401, "invalid_api_key", "Incorrect API key provided: "+apiKey), model.ErrorAuthentication, 401, "provided: [key]"},
		{"forbidden", openaitest.Failure(403, "", "no"), model.ErrorAuthentication, 403, "403 Forbidden: no"},
		{"rate limit", openaitest.Failure(429, "rate_limit_exceeded", "slow down"), model.ErrorRateLimit, 429, "slow down"},
		{"quota", openaitest.Failure(429, "insufficient_quota", "pay first"), model.ErrorRateLimit, 429, "pay first"},
		{"context length", openaitest.Failure(400, "context_length_exceeded", "too long"), model.ErrorContextWindow, 400, "too long"},
		{"context length in words", openaitest.Failure(400, "", "This model's maximum context length is 8 tokens."), model.ErrorContextWindow, 400, "maximum context length"},
		{"not an OpenAI error", openaitest.Answer{Status: 502, Raw: "<h1>Bad\n\x00Gateway</h1>"}, model.ErrorProvider, 502, "<h1>Bad Gateway</h1>"},
		{"an error that is text", openaitest.Answer{Status: 503, Raw: `{"error": "loading"}`}, model.ErrorProvider, 503, `"loading"} (3 attempts)`},
		{"half an OpenAI error", openaitest.Answer{Status: 429, Raw: `{"error": {"message": "wait", "type": 7}}`}, model.ErrorRateLimit, 429, `"wait"`},
		{"long text", openaitest.Answer{Status: 500, Raw: long}, model.ErrorProvider, 500, "xxx…"},
		{"endless error", openaitest.Answer{Status: 500, Raw: long, Endless: true}, model.ErrorProvider, 500, "xxx…"},
		{"garbage", openaitest.Answer{Raw: "<html>"}, model.ErrorProvider, 0, "the model's answer"},
		{"binary garbage", openaitest.Answer{Raw: "\x00\xff\xfe\x1f\x8b\n\n"}, model.ErrorProvider, 0, "the model's answer"},
		{"other JSON", openaitest.Answer{Raw: `{"choices": []}`}, model.ErrorProvider, 0, "the model's answer"},
		{"other JSON in an event", openaitest.Answer{Raw: "data: [1]\n\n"}, model.ErrorProvider, 0, "could not be read"},
		{"garbage in an event", openaitest.Answer{Raw: "data: {\"choices\": [\n\ndata: [DONE]\n\n"}, model.ErrorProvider, 0, "could not be read"},
		{"error after another line", openaitest.Answer{Raw: "event: error\ndata: {\"error\": {\"message\": \"late\"}}\n\n"}, model.ErrorProvider, 0, "the model's answer"},
		{"nothing", openaitest.Answer{Raw: "\n"}, model.ErrorProvider, 0, "the model's answer"},
		{"cut", openaitest.Answer{Content: "one two three", Cut: true}, model.ErrorProvider, 0, "cut off"},
		{"too large", openaitest.Answer{Content: long + long}, model.ErrorProvider, 0, "too large"},
		{"endless line", openaitest.Answer{Raw: " ", Endless: true}, model.ErrorProvider, 0, "too large"},
		{"endless deltas", openaitest.Answer{Raw: endlessDelta, Endless: true}, model.ErrorProvider, 0, "the model's answer"},
		{"endless comments", openaitest.Answer{Raw: ": wait\n\n", Endless: true}, model.ErrorProvider, 0, "the model's answer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			everyWay(t, func(t *testing.T, api openai.API, stream bool) {
				server := openaitest.New(t, openaitest.Always(test.answer))
				_, err := generate(t, open(t, openai.Config{API: api, BaseURL: server.BaseURL(), MaxResponseBytes: 8000}), stream)
				got := modelError(t, err)
				if got.Type != test.wantType || got.Status != test.status || !strings.Contains(got.Message, test.message) {
					t.Errorf("error = %+v, want %s, %d, %q", got, test.wantType, test.status, test.message)
				}
				if len(got.Message) > 600 || strings.Contains(err.Error()+causes(err), apiKey) {
					t.Errorf("message is too long or holds the key: %s", err)
				}
			})
		})
	}
}

func TestErrorKeepsTextThatIsNoSecret(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Failure(404, "", "none of the models is called x")))
	_, err := generate(t, open(t, openai.Config{APIKey: "none", BaseURL: server.BaseURL()}), false)
	if got := modelError(t, err); !strings.Contains(got.Message, "none of the models") {
		t.Errorf("message = %q", got.Message)
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

// Of a stream, only one that ends with a word of the model is whole.
func TestStreamWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, api := range []openai.API{openai.APIChat, openai.APIResponses} {
		server := openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "one two", Unfinished: true}))
		delta, deltas := collect()
		_, err := open(t, openai.Config{API: api, BaseURL: server.BaseURL()}).Generate(t.Context(), hello(), delta)
		if got := modelError(t, err); got.Type != model.ErrorProvider || got.Message != "the model's answer was cut off" {
			t.Errorf("%s: error = %+v", api, got)
		}
		if len(*deltas) != 2 {
			t.Errorf("%s: deltas = %q", api, *deltas)
		}
	}
}

// A response that did not come to its end is no answer, however much of it there
// is.
func TestUnfinishedResponse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		answer   openaitest.Answer
		wantType string
		message  string
	}{
		{"tokens", openaitest.Answer{Content: "one two", FinishReason: "length"}, model.ErrorProvider, "the model's answer is incomplete: max_output_tokens"},
		{"filter", openaitest.Answer{FinishReason: "content_filter"}, model.ErrorProvider, "the model's answer is incomplete: content_filter"},
		{"failed", openaitest.Answer{Content: "one two", Late: true, Code: "invalid_prompt", Error: "bad"}, model.ErrorProvider, "the model provider answered with an error: bad"},
		{"too long", openaitest.Answer{Late: true, Code: "context_length_exceeded", Error: "long"}, model.ErrorContextWindow, "the model provider answered with an error: long"},
	}
	for _, test := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(test.name+map[bool]string{true: ", stream"}[stream], func(t *testing.T) {
				t.Parallel()
				server := openaitest.New(t, openaitest.Always(test.answer))
				_, err := generate(t, open(t, openai.Config{API: openai.APIResponses, BaseURL: server.BaseURL()}), stream)
				if got := modelError(t, err); got.Type != test.wantType || got.Message != test.message {
					t.Errorf("error = %+v, want %s, %s", got, test.wantType, test.message)
				}
			})
		}
	}
}

func TestResponseInProgress(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Answer{Content: "one two", Unfinished: true}))
	_, err := generate(t, open(t, openai.Config{API: openai.APIResponses, BaseURL: server.BaseURL()}), false)
	if got := modelError(t, err); got.Message != "the model's answer is not finished" {
		t.Errorf("error = %+v", got)
	}
}

// Errors inside a stream come in several forms.
func TestErrorInsideTheStream(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		api  openai.API
		raw  string
	}{
		{"chat", openai.APIChat, `{"error": {"message": "late", "code": "rate_limit_exceeded"}}`},
		{"documented", openai.APIResponses, `{"type": "error", "code": "rate_limit_exceeded", "message": "late", "param": null}`},
		{"nested", openai.APIResponses, `{"type": "error", "error": {"type": "too_many_requests", "code": "slow", "message": "late"}}`},
		{"bare", openai.APIResponses, `{"error": {"message": "late", "type": "too_many_requests", "code": null}}`},
		{"failed", openai.APIResponses, `{"type": "response.failed", "response": {"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "late"}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.New(t, openaitest.Always(openaitest.Answer{Raw: "data: " + test.raw + "\n\n"}))
			_, err := generate(t, open(t, openai.Config{API: test.api, BaseURL: server.BaseURL()}), true)
			if got := modelError(t, err); got.Type != model.ErrorRateLimit || got.Message != "the model provider answered with an error: late (3 attempts)" {
				t.Errorf("error = %+v", got)
			}
		})
	}
}
