package config

import (
	"errors"
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// A model asks its server as the file says.
func TestModelSettings(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Failure(503, "", "overloaded")))
	text := fmt.Sprintf(`models:
  m: {provider: openai, api: responses, id: gpt-test, base_url: %q, api_key: sk-1, max_completion_tokens: 9, temperature: 0.5, max_retries: 0}
`, server.BaseURL())
	c, err := parse([]byte(text), "/", Options{LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	request := model.Request{Messages: []model.Message{{Role: "user", Content: host.TextContent("hello")}}}
	var failed *model.Error
	if _, err := c.Models["m"].Generate(t.Context(), request, nil); !errors.As(err, &failed) || failed.Status != 503 {
		t.Fatalf("error = %v, want status 503", err)
	}
	if server.Calls() != 1 {
		t.Fatalf("%d calls, want no retry", server.Calls())
	}
	got := server.Requests()[0]
	if got.API != openaitest.Responses || got.Model != "gpt-test" || got.APIKey != "sk-1" || got.MaxCompletionTokens != 9 || *got.Temperature != 0.5 {
		t.Errorf("request = %+v", got)
	}
}
