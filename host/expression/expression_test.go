package expression

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// sample is what expressions read here.
var sample = Vars{
	Input:        json.RawMessage(`"summarize this"`),
	Previous:     json.RawMessage(`{"score":0.9,"done":true,"tags":["a","b"],"next":"writer"}`),
	Steps:        map[string]json.RawMessage{"analyze": json.RawMessage(`"DONE: fine"`), "count": json.RawMessage(`{"n":3}`)},
	SessionState: json.RawMessage(`{"language":"de"}`),
}

func mustCompile(t *testing.T, source string, want Kind) *Expression {
	t.Helper()
	e, err := Compile(source, want)
	if err != nil {
		t.Fatalf("%.80s: %v", source, err)
	}
	return e
}

func TestBool(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source string
		want   bool
	}{
		{`true`, true},
		{`previous.done`, true},
		{`previous.score > 0.95`, false},
		{`previous.score > 0 && steps.count.n == 3`, true},
		{`int(steps.count.n) + 1 == 4`, true},
		{`steps.analyze.contains("DONE")`, true},
		{`steps["analyze"].startsWith("DONE")`, true},
		{`has(steps.other) || "other" in steps`, false},
		{`"a" in previous.tags`, true},
		{`"c" in previous.tags`, false},
		{`previous.tags == ["a", "b"]`, true},
		{`previous != previous`, false},
		{`previous.tags.exists(t, t == "b")`, true},
		{`session_state.language == "de"`, true},
		{`input.matches("^sum")`, true},
		{`matches(input, "^this")`, false},
		{`input.upperAscii().trim().split(" ").size() == 2`, true},
		{`dyn(1) == 1.0`, true},
		{`null == null && input != null`, true},
	}
	for _, test := range tests {
		got, err := mustCompile(t, test.source, Bool).Bool(t.Context(), sample)
		if err != nil || got != test.want {
			t.Errorf("%s = %v, %v, want %v", test.source, got, err, test.want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source string
		want   []string
	}{
		{`"one"`, []string{"one"}},
		{`[]`, []string{}},
		{`["one", "two"]`, []string{"one", "two"}},
		{`previous.next`, []string{"writer"}},
		{`previous.tags`, []string{"a", "b"}},
		{`input.contains("code") ? "coder" : "writer"`, []string{"writer"}},
		{`previous.tags.map(t, "step-" + t)`, []string{"step-a", "step-b"}},
	}
	for _, test := range tests {
		got, err := mustCompile(t, test.source, Names).Names(t.Context(), sample)
		if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.source, err, diff)
		}
	}
}

func TestVarsBeforeTheFirstStep(t *testing.T) {
	t.Parallel()
	source := `previous == null && input == null && size(steps) == 0 && size(session_state) == 0`
	if got, err := mustCompile(t, source, Bool).Bool(t.Context(), Vars{}); err != nil || !got {
		t.Errorf("%s = %v, %v", source, got, err)
	}
}

func TestWhatIsNoJSONIsText(t *testing.T) {
	t.Parallel()
	vars := Vars{Input: json.RawMessage(`"{\"a\":1}"`), Previous: json.RawMessage("no {JSON")}
	source := `input == '{"a":1}' && previous == "no {JSON"`
	if got, err := mustCompile(t, source, Bool).Bool(t.Context(), vars); err != nil || !got {
		t.Errorf("%s = %v, %v", source, got, err)
	}
}

func TestRefusedSources(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source string
		kind   Kind
		want   string
	}{
		{"", Bool, "the expression is empty"},
		{" \n", Bool, "the expression is empty"},
		{strings.Repeat("a", MaxBytes+1), Bool, "the expression is longer than 4 KiB"},
		{`previous.done &&`, Bool, "1:17: Syntax error: mismatched input '<EOF>'"},
		{"true &&\n  unknown", Bool, "2:3: undeclared reference to 'unknown'"},
		{`now() == 1`, Bool, "1:4: undeclared reference to 'now'"},
		{`"text"`, Bool, "the expression gives string, not true or false"},
		{`size(input)`, Bool, "the expression gives int, not true or false"},
		{`[1]`, Names, "the expression gives list(int), not a string or a list of strings"},
		{`true`, Names, "the expression gives bool, not a string or a list of strings"},
		{`1 + "a" == 2`, Bool, "1:3: found no matching overload for '_+_' applied to '(int, string)'"},
		{`input.matches("(")`, Bool, "1:15: invalid matches argument"},
		{`input.replace("a", "b") == ""`, Bool, "1:14: undeclared reference to 'replace'"},
		{strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300), Bool, "expression recursion limit exceeded"},
		{strings.Repeat("[", 200) + strings.Repeat("]", 200) + " == []", Bool, ""},
		{"\xff", Bool, ""},
	}
	for _, test := range tests {
		_, err := Compile(test.source, test.kind)
		if host.CodeOf(err) != host.CodeInvalid || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%.40q: error = %v, want %q", test.source, err, test.want)
			continue
		}
		if strings.ContainsAny(err.Error(), "\n\t") || len(err.Error()) > 300 {
			t.Errorf("%.40q: error is no short line: %q", test.source, err)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		source string
		kind   Kind
		want   string
	}{
		{`steps.missing == "a"`, Bool, "the expression failed: no such key: missing"},
		{`previous`, Bool, "the expression gives map, not true or false"},
		{`input`, Bool, "the expression gives string, not true or false"},
		{`previous`, Names, "the expression gives map, not a string or a list of strings"},
		{`[input, previous]`, Names, "the expression gives a list with something else than strings"},
		{`previous.tags[5]`, Names, "the expression failed: index out of bounds: 5"},
		{`previous.score + 1 == 2`, Bool, "the expression failed: no such overload"},
		{`1 / int(previous.score) == 1`, Bool, "the expression failed: division by zero"},
		{`"a" in input`, Bool, "the expression failed: no such overload"},
		{`previous.score.matches("a")`, Bool, "the expression failed: no such overload"},
		{`previous.score.trim() == ""`, Bool, "the expression failed: no such overload"},
		{`input.split(previous.score) == []`, Bool, "the expression failed: no such overload"},
		{`input.matches(input + "(")`, Bool, "the expression failed: error parsing regexp"},
	}
	for _, test := range tests {
		e := mustCompile(t, test.source, test.kind)
		var err error
		if test.kind == Bool {
			_, err = e.Bool(t.Context(), sample)
		} else {
			_, err = e.Names(t.Context(), sample)
		}
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: error = %v, want %q", test.source, err, test.want)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	e := mustCompile(t, `previous.exists(p, p == input)`, Bool)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			vars := Vars{Input: json.RawMessage(strconv.Itoa(i)), Previous: json.RawMessage(`[0,2,4,6]`)}
			if got, err := e.Bool(t.Context(), vars); err != nil || got != (i%2 == 0) {
				t.Errorf("%d: %v, %v", i, got, err)
			}
		})
	}
	group.Wait()
}

func TestWrongKind(t *testing.T) {
	t.Parallel()
	if _, err := mustCompile(t, `"a"`, Names).Bool(t.Context(), sample); err == nil {
		t.Error("a choice was evaluated as a condition")
	}
}

func TestAnEndedContextEndsIt(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the run was cancelled")
	cancel(cause)
	if _, err := mustCompile(t, `true`, Bool).Bool(ctx, sample); !errors.Is(err, cause) {
		t.Errorf("error = %v, want %v", err, cause)
	}
}
