package script_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/script"
)

const full = `# what the model says
- when: {agent: quiz, turn: 2}
  respond: {content: mended}
- when: {contains: Oslo}
  respond:
    json: {city: Oslo, population: 717710, area: 454.1, tags: [a, null]}
- when: {agent: quiz}
  respond: {content: "one two three"}
  chunks: 2
- when: {contains: slow}
  respond: {content: äöü}
  chunks: 3
  delay: 3s
- when: {contains: failing}
  respond: {content: ok}
  fail: {status: 503, times: 2}
- when: {contains: limited}
  respond: {content: ok}
  fail: {status: 429, times: 1}
- when: {contains: silent}
  respond: {content: ""}
`

func parse(t *testing.T, text string) *script.Model {
	t.Helper()
	m, err := script.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func ask(agent string, turn int, text string) model.Request {
	return model.Request{Agent: agent, Turn: turn, Messages: []model.Message{
		{Role: "user", Content: host.TextContent("Oslo was before")},
		{Role: "assistant", Content: host.TextContent("yes")},
		{Role: "user", Content: host.TextContent(text)},
	}}
}

func TestFirstMatchWins(t *testing.T) {
	t.Parallel()
	m := parse(t, full)
	for _, tc := range []struct {
		req    model.Request
		want   string
		deltas []string
	}{
		{ask("quiz", 2, "about Oslo"), "mended", []string{"mended"}},
		{ask("quiz", 1, "about Oslo"), `{"area":454.1,"city":"Oslo","population":717710,"tags":["a",null]}`, nil},
		{ask("quiz", 0, "hello"), "one two three", []string{"one tw", "o three"}},
		{ask("other", 2, "silent"), "", nil},
	} {
		var deltas []string
		got, err := m.Generate(t.Context(), tc.req, func(text string) error {
			deltas = append(deltas, text)
			return nil
		})
		if err != nil || got.Content != tc.want || got.FinishReason != "stop" {
			t.Errorf("%s, turn %d: response = %+v, %v", tc.req.Agent, tc.req.Turn, got, err)
		}
		if diff := cmp.Diff(tc.deltas, deltas); tc.deltas != nil && diff != "" {
			t.Errorf("deltas (-want +got):\n%s", diff)
		}
		if strings.Join(deltas, "") != tc.want {
			t.Errorf("deltas %q are not %q", deltas, tc.want)
		}
		if got.Usage.InputTokens == 0 || got.Usage.OutputTokens != int64(len(strings.Fields(tc.want))) {
			t.Errorf("usage = %+v", got.Usage)
		}
	}
}

func TestNoMatch(t *testing.T) {
	t.Parallel()
	_, err := parse(t, full).Generate(t.Context(), ask("other", 0, "hello"), nil)
	var failed *model.Error
	if !errors.As(err, &failed) || failed.Message != `the script has no answer for this request (agent "other", turn 1)` {
		t.Errorf("error = %v", err)
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	m := parse(t, full)
	for text, want := range map[string]*model.Error{
		"failing": {Type: model.ErrorProvider, Status: 503, Message: "the model provider answered 503 Service Unavailable"},
		"limited": {Type: model.ErrorRateLimit, Status: 429, Message: "the model provider answered 429 Too Many Requests"},
	} {
		times := map[string]int{"failing": 2, "limited": 1}[text]
		for range times {
			_, err := m.Generate(t.Context(), ask("a", 1, text), nil)
			var failed *model.Error
			if !errors.As(err, &failed) || !cmp.Equal(want, failed) {
				t.Errorf("%s: error = %#v", text, err)
			}
		}
		if got, err := m.Generate(t.Context(), ask("a", 1, text), nil); err != nil || got.Content != "ok" {
			t.Errorf("%s: response = %+v, %v", text, got, err)
		}
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := parse(t, full)
		began := time.Now()
		var at []time.Duration
		_, err := m.Generate(t.Context(), ask("a", 1, "slow"), func(string) error {
			at = append(at, time.Since(began))
			return nil
		})
		if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second, 3 * time.Second}, at); err != nil || diff != "" {
			t.Errorf("%v: times of the deltas (-want +got):\n%s", err, diff)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		began = time.Now()
		if _, err := m.Generate(ctx, ask("a", 1, "slow"), nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 1500*time.Millisecond {
			t.Errorf("error = %v after %v", err, time.Since(began))
		}
	})
}

func TestGenerateReturnsTheErrorOfDelta(t *testing.T) {
	t.Parallel()
	gone := errors.New("the client has gone")
	_, err := parse(t, full).Generate(t.Context(), ask("quiz", 1, "hello"), func(string) error { return gone })
	if err != gone { //nolint:errorlint // the very error must come back
		t.Errorf("error = %v, want %v", err, gone)
	}
}

func TestGenerateEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := parse(t, full).Generate(ctx, ask("quiz", 1, "hello"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"line 1: is empty"}},
		{"no list", "when: {}\n", []string{"line 1: must be a list, not an object"}},
		{"no answers", "[]", []string{"line 1: has no answers"}},
		{"everything", `
- when: {turn: 0, agnet: a}
  respond: {content: a, json: 1}
- respond: {}
- {}
- respond: {content: [a]}
  chunks: -1
  delay: 3
- respond: {tool_calls: []}
  fail: {status: 200, times: 0}
- respond: {content: a}
  respond: {content: b}
- respond:
    tool_calls:
      - {name: a, id: b}
      - {args: {}, id: b}
      - {name: a, args: [], id: call_1_2}
      - {name: a, arguments: {}}
      - null
`, []string{
			"line 2: [0].when.agnet: unknown key; known are agent, contains, turn, after_tool, tool_result_contains",
			"line 2: [0].when.turn: must be 1 or more",
			"line 3: [0].respond: has both content and json",
			"line 4: [1].respond: needs content or json",
			"line 5: [2].respond: needs content or json",
			"line 6: [3].respond.content: must be text, not a list",
			"line 7: [3].chunks: must be from 1 to 1000",
			"line 8: [3].delay: must be text with a unit, not a number",
			"line 9: [4].respond.tool_calls: is empty",
			"line 10: [4].fail.status: must be an HTTP status from 400 to 599",
			"line 10: [4].fail.times: must be 1 or more",
			"line 12: [5].respond: is set already on line 11",
			"line 16: [6].respond.tool_calls[1]: needs a name",
			"line 16: [6].respond.tool_calls[1].id: is used already",
			"line 17: [6].respond.tool_calls[2].args: must be an object",
			"line 17: [6].respond.tool_calls[2].id: is one that calls without an id get",
			"line 18: [6].respond.tool_calls[3].arguments: unknown key; known are name, args, id",
			"line 19: [6].respond.tool_calls[4]: has no value",
		}},
	} {
		_, err := script.Parse([]byte(tc.text))
		var refused *host.Error
		if !errors.As(err, &refused) {
			t.Errorf("%s: error = %v", tc.name, err)
			continue
		}
		var got []string
		for _, p := range refused.Problems {
			got = append(got, p.String())
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: problems (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := script.Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want os.ErrNotExist", err)
	}
	for name, text := range map[string]string{"model.yaml": full, "large.yaml": strings.Repeat("#", script.MaxBytes+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := script.Load(filepath.Join(dir, "model.yaml")); err != nil {
		t.Error(err)
	}
	if _, err := script.Load(filepath.Join(dir, "large.yaml")); err == nil || !strings.Contains(err.Error(), "is larger than 256 KiB") {
		t.Errorf("error = %v, want one about the size", err)
	}
}

// FuzzParse checks that any file is either a script that can be asked, or an error
// that lists problems.
func FuzzParse(f *testing.F) {
	f.Add([]byte(full), "Oslo")
	f.Add([]byte(`[{"respond": {"json": 1e999}}]`), "")
	f.Add([]byte("- &a {respond: *a}\n- ? b\n"), "a")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		m, err := script.Parse(data)
		if err != nil {
			var refused *host.Error
			if !errors.As(err, &refused) || len(refused.Problems) == 0 {
				t.Errorf("error without problems: %v", err)
			}
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nobody waits for a delay
		_, err = m.Generate(ctx, ask("a", 1, text), nil)
		var failed *model.Error
		if !errors.As(err, &failed) && !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
	})
}

func ExampleParse() {
	m, err := script.Parse([]byte(`
- when: {agent: city-facts, contains: Oslo}
  respond:
    json: {city: Oslo, country: Norway}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := m.Generate(context.Background(), model.Request{
		Agent: "city-facts", Turn: 1, Messages: []model.Message{{Role: "user", Content: host.TextContent("Tell me of Oslo.")}},
	}, nil)
	fmt.Println(answer.Content, err)
	// Output: {"city":"Oslo","country":"Norway"} <nil>
}
