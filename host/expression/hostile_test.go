package expression

import (
	"encoding/json"
	"strings"
	"testing"
)

// nested wraps body into a comprehension that binds twice what the one around it
// bound, depth times.
func nested(depth int, body string) string {
	return strings.Repeat("[[a,a]].exists(a,", depth) + body + strings.Repeat(")", depth)
}

func TestHostileExpressionsEnd(t *testing.T) {
	t.Parallel()
	list := "[" + strings.Repeat("1,", 20_000) + "1]"
	text := `"` + strings.Repeat("a", 1<<19) + `"`
	vars := Vars{
		Input: json.RawMessage(text), Previous: json.RawMessage(list),
		Steps: map[string]json.RawMessage{"deep": json.RawMessage(strings.Repeat("[", 9000) + strings.Repeat("]", 9000))},
	}
	tests := []struct{ name, source string }{
		{"nested loops", `previous.all(a, previous.all(b, previous.all(c, a == b)))`},
		{"nested loops without calls", `previous.all(a, previous.all(b, previous.all(c, true)))`},
		{"a huge text", strings.TrimSuffix(strings.Repeat("input + ", 40), " + ") + ` == ""`},
		{"texts that double", `["a"].map(a, a + a)` + strings.Repeat(".map(a, a + a)", 40) + ` == []`},
		{"a list of texts", `previous.map(a, input + "a") == []`},
		{"comparisons", strings.TrimSuffix(strings.Repeat("previous != previous || ", 150), " || ")},
		{"comparisons in a loop", `previous.exists(a, previous != previous)`},
		{"containment in a loop", `previous.exists(a, 2 in previous)`},
		{"values that hold one another", `[1].exists(a, ` + nested(20, `[a] != [a]`) + `)`},
		{"values that hold one another in a list", `[1].exists(a, ` + nested(20, `dyn(2) in dyn([a])`) + `)`},
		{"maps that hold one another", `[1].map(a, {"l": a, "r": a})` + strings.Repeat(`.map(a, {"l": a, "r": a})`, 40) + ` == [{"l": previous}] || previous.all(a, previous.all(b, true))`},
		{"a large regular expression", `input.matches("(a?){500}(a?){500}b")`},
		{"regular expressions", strings.TrimSuffix(strings.Repeat(`input.matches("a.*a.*b") || `, 100), " || ")},
		{"a long regular expression", `input.matches(input)`},
		{"splits", strings.TrimSuffix(strings.Repeat(`input.split("").size() == 1 || `, 100), " || ")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := mustCompile(t, test.source, Bool).Bool(t.Context(), vars)
			if err == nil {
				t.Fatal("it ended well")
			}
			switch err.Error() {
			case errTooMuch.Error(), errTooLong.Error(), "the expression failed: a regular expression has at most 500 bytes":
			default:
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestDeepDocuments(t *testing.T) {
	t.Parallel()
	vars := Vars{Input: json.RawMessage(strings.Repeat("[", 9000) + strings.Repeat("]", 9000))}
	if got, err := mustCompile(t, `input == input`, Bool).Bool(t.Context(), vars); err != nil || !got {
		t.Errorf("%v, %v", got, err)
	}
}

func TestLargeDocuments(t *testing.T) {
	t.Parallel()
	vars := Vars{Input: json.RawMessage(`"` + strings.Repeat("a", maxVarBytes) + `"`), Previous: json.RawMessage(`"done"`)}
	_, err := mustCompile(t, `input == ""`, Bool).Bool(t.Context(), vars)
	if want := "the expression reads 8388610 bytes, more than 8 MiB"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
	if got, err := mustCompile(t, `previous == "done"`, Bool).Bool(t.Context(), vars); err != nil || !got {
		t.Errorf("what is not read counts: %v, %v", got, err)
	}
}

func TestTooManyNames(t *testing.T) {
	t.Parallel()
	vars := Vars{Input: json.RawMessage(`"` + strings.Repeat("a", maxNames+1) + `"`)}
	_, err := mustCompile(t, `input.split("")`, Names).Names(t.Context(), vars)
	if want := "the expression gives 1001 names, more than 1000"; err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

// FuzzExpression checks that any source over any documents ends, with a value or
// an error of one line.
func FuzzExpression(f *testing.F) {
	for _, source := range []string{
		`previous.done && steps.a.b == 1`, `input.matches("^a+$")`, `previous.map(a, a + a)`, `[[1]].exists(a, a in a)`,
		`steps.all(s, steps[s] != null) ? "a" : ["b", input]`, `input.trim().split("")`, `timestamp(input).getHours("Europe/Paris") > 1`,
	} {
		f.Add(source, `"aaa"`, `{"done":true,"list":[1,2.5,null]}`)
	}
	f.Fuzz(func(t *testing.T, source, input, previous string) {
		vars := Vars{
			Input: json.RawMessage(input), Previous: json.RawMessage(previous),
			Steps: map[string]json.RawMessage{"a": json.RawMessage(previous)},
		}
		for _, kind := range []Kind{Bool, Names} {
			e, err := Compile(source, kind)
			if err == nil && kind == Bool {
				_, err = e.Bool(t.Context(), vars)
			} else if err == nil {
				_, err = e.Names(t.Context(), vars)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n\r") {
				t.Errorf("error has more than one line: %q", err)
			}
		}
	})
}
