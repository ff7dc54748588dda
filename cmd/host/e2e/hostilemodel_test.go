package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// impatient is a model that is asked once, and not for long.
func impatient(api, baseURL, timeout string) string {
	return fmt.Sprintf(`{provider: openai, api: %s, id: gpt-test, base_url: %q, api_key: test-key, max_retries: 0, timeout: %s}`,
		api, baseURL, timeout)
}

// TestHostileModels: a model server that is slow, drops the connection or
// answers nonsense, even without end, ends the run with a reason. Nothing of
// its answer is kept.
func TestHostileModels(t *testing.T) {
	t.Parallel()
	const tooLarge, tooSlow = "the model's answer is too large", "the model did not answer within 300ms"
	line := strings.Repeat("x", 64<<10)
	delta := `data: {"choices":[{"index":0,"delta":{"content":"` + line + `"}}]}` + "\n\n"
	tests := []struct {
		name, api, timeout string
		answer             openaitest.Answer
		says               string // of the streamed run
	}{
		{"a web page", "chat", "2m", openaitest.Answer{Raw: "<html>It works!</html>"}, ""},
		{"broken JSON", "responses", "2m", openaitest.Answer{Raw: "data: {\"type\":\n\n"}, ""},
		{"no answer in it", "chat", "2m", openaitest.Answer{Raw: "{}"}, ""},
		{"an endless line", "chat", "2m", openaitest.Answer{Raw: line, Endless: true}, tooLarge},
		{"endless lines", "responses", "2m", openaitest.Answer{Raw: ": " + line + "\n", Endless: true}, tooLarge},
		{"an endless answer", "chat", "2m", openaitest.Answer{Raw: delta, Endless: true}, tooLarge},
		{"hanging up", "chat", "2m", openaitest.Answer{Drop: true}, "the model server could not be reached"},
		{"failing late", "responses", "2m", openaitest.Answer{Content: "half", Late: true, Error: "it exploded"}, "it exploded"},
		{"silence", "chat", "300ms", openaitest.Answer{Content: "late", Hold: make(chan struct{})}, tooSlow},
		{"half an answer", "responses", "300ms", openaitest.Answer{Deltas: []string{"half ", "way"}, Hold: make(chan struct{})}, tooSlow},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			model := openaitest.New(t, openaitest.Always(tt.answer))
			p := newSite(t, config{model: impatient(tt.api, model.BaseURL(), tt.timeout)}).start(t)
			plain := p.run(t, "agent", form{"message": "hello", "session_id": "s"})
			events := p.stream(t, "agent", form{"message": "hello", "session_id": "s"})
			last := events[len(events)-1]
			streamed := p.read(t, run{AgentID: "agent", RunID: last.RunID, SessionID: "s"})
			if last.Name != "RunError" || last.text() != string(streamed.Content) || !strings.Contains(last.text(), tt.says) {
				t.Errorf("the stream ends with %s %.200q, want RunError with %q", last.Name, last.text(), tt.says)
			}
			for _, r := range []run{plain, streamed, p.read(t, plain)} {
				got := []string{r.Status, r.ErrorType, r.Input.Content}
				if diff := cmp.Diff([]string{"ERROR", "model_provider_error", "hello"}, got); diff != "" {
					t.Errorf("the run (-want +got):\n%s", diff)
				}
				if !strings.HasPrefix(string(r.Content), "the model") || strings.Contains(string(r.Content), "half") {
					t.Errorf("the run says %.200q", r.Content)
				}
			}
			p.mustStaySmall(t, 768)
		})
	}
}

// TestModelThatRecovers: a model that asks for a pause gets it, and the run its
// answer.
func TestModelThatRecovers(t *testing.T) {
	t.Parallel()
	busy := openaitest.Failure(429, "rate_limit_exceeded", "slow down")
	busy.RetryAfter = "0"
	model := openaitest.New(t, openaitest.Script(busy, openaitest.Answer{Drop: true}, openaitest.Text("Here you are.")))
	p := newSite(t, config{model: openai(model.BaseURL())}).start(t)
	p.run(t, "agent", form{"message": "hello"}).must(t, "Here you are.")
	if n := model.Calls(); n != 3 {
		t.Errorf("the model was asked %d times, want 3", n)
	}
}
