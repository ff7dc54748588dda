package openai_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
)

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	hot, many := 3.0, openai.MaxMaxRetries+1
	_, err := openai.New(openai.Config{
		API: "assistants", ResponseFormat: "xml", BaseURL: "https://user:secret@example.com", APIKey: "sk\n", Temperature: &hot,
		MaxCompletionTokens: -1, Timeout: -1, MaxRetries: &many, MaxResponseBytes: -1,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{
		"id:", "api:", "response_format:", "base_url:", "api_key:", "temperature:", "max_completion_tokens:", "timeout:", "max_retries:", "max_response_bytes:",
	} {
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
	for api, name := range map[openai.API]string{"": "OpenAIChat", openai.APIChat: "OpenAIChat", openai.APIResponses: "OpenAIResponses"} {
		want := model.Info{ID: "gpt-test", Name: name, Provider: "OpenAI", Schemas: true}
		if diff := cmp.Diff(want, open(t, openai.Config{API: api}).Info()); diff != "" {
			t.Errorf("%q: info (-want +got):\n%s", api, diff)
		}
	}
}
