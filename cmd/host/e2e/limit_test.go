package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// limitCase is a request at or past a limit, and what it is answered.
type limitCase struct {
	name   string
	reply  func(t testing.TB) reply
	status int
	says   string
}

// checkLimits makes the requests one after another, and a run after them all.
func checkLimits(t *testing.T, p *process, tests []limitCase) {
	t.Helper()
	for _, tt := range tests {
		if r := tt.reply(t); r.status != tt.status || !strings.Contains(string(r.body), tt.says) {
			t.Errorf("%s: status %d, want %d with %q: %.300s", tt.name, r.status, tt.status, tt.says, r.body)
		}
	}
	p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
}

// nested is an object in objects, so many deep.
func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth-1) + "{}" + strings.Repeat("}", depth-1)
}

// filled is an object of about so many bytes.
func filled(size int) string { return `{"a":"` + strings.Repeat("x", size) + `"}` }

// TestRunFieldsAtTheirLimits: what fits is taken as it is; what does not is
// refused by name.
func TestRunFieldsAtTheirLimits(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	ask := func(f form) func(testing.TB) reply {
		return func(t testing.TB) reply { return p.ask(t, "agent", f) }
	}
	with := func(name, value string) func(testing.TB) reply { return ask(form{"message": "hello", name: value}) }
	many := form{"message": "hello"}
	for n := range 10_000 {
		many[fmt.Sprintf("field%d", n)] = "x"
	}
	tests := []limitCase{
		{"an empty message", ask(form{"message": ""}), 200, `"status":"COMPLETED"`},
		{"a message of 5 MiB", ask(form{"message": strings.Repeat("x", 5<<20)}), 200, `"status":"COMPLETED"`},
		{"a message of 10 MiB", ask(form{"message": strings.Repeat("x", 10<<20)}), 413, "larger than 10MiB"},
		{"a message of control characters", ask(form{"message": "a\x00\x1b\u202e\r\n"}), 200, `"content":"a\u0000\u001b`},
		{"a message that is not UTF-8", ask(form{"message": "\xff"}), 422, `["body","message"]`},
		{"10,000 fields", ask(many), 422, "more than 100 fields"},
		{"a field with a long name", with(strings.Repeat("n", 1<<20), "x"), 200, `"COMPLETED"`},
		{"a long switch", with("stream_events", strings.Repeat("y", 1<<20)), 422, `["body","stream_events"]`},
		{"a number for a switch", with("add_history_to_context", "2"), 422, `["body","add_history_to_context"]`},
	}
	for _, id := range []string{"run_id", "session_id", "user_id"} {
		loc := fmt.Sprintf(`["body",%q]`, id)
		tests = append(tests,
			limitCase{id + " of 256 bytes", with(id, strings.Repeat("i", 256)), 200, `"COMPLETED"`},
			limitCase{id + " of 257 bytes", with(id, strings.Repeat("i", 257)), 422, loc},
			limitCase{id + " of 128 letters of 2 bytes", with(id, strings.Repeat("ü", 128)), 200, `"COMPLETED"`},
			limitCase{id + " of 129 letters of 2 bytes", with(id, strings.Repeat("ü", 129)), 422, loc},
			limitCase{id + " with a zero byte", with(id, "a\x00b"), 422, loc},
			limitCase{id + " with a line break", with(id, "a\nb"), 422, loc},
		)
	}
	for _, object := range []string{"session_state", "dependencies", "metadata"} {
		loc := fmt.Sprintf(`["body",%q]`, object)
		tests = append(tests,
			limitCase{object + " of half a MiB", with(object, filled(1<<19)), 200, `"COMPLETED"`},
			limitCase{object + " of 64 levels", with(object, nested(64)), 200, `"COMPLETED"`},
			limitCase{object + " of 65 levels", with(object, nested(65)), 422, loc},
			limitCase{object + " of 100,000 levels", with(object, nested(100_000)), 422, loc},
			limitCase{object + " with a huge number", with(object, `{"n":1e999999,"m":-123456789012345678901234567890}`), 200, `"COMPLETED"`},
			limitCase{object + " with a zero character", with(object, `{"\u0000":"\u0000"}`), 200, `"COMPLETED"`},
			limitCase{object + " with half a character", with(object, `{"a":"\ud800"}`), 422, loc},
			limitCase{object + " with a member twice", with(object, `{"a":1,"a":2}`), 422, loc},
			limitCase{object + " that is not UTF-8", with(object, "{\"a\":\"\xff\"}"), 422, loc},
		)
	}
	tests = append(tests,
		limitCase{"session_state over 1 MiB", with("session_state", filled(1<<20)), 422, `["body","session_state"]`},
		limitCase{"metadata over 1 MiB", with("metadata", filled(1<<20)), 200, `"COMPLETED"`},
	)
	checkLimits(t, p, tests)
}

// TestContextAtItsLimit: what a hook could not be shown is refused, whether there
// is a hook or not.
func TestContextAtItsLimit(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{agents: []string{"agent", "checked"}}).start(t)
	p.install(t, newPlugin(t, "check", "", hook{name: "hook", point: "input", does: guesttest.Answers(allow)}))
	p.bind(t, "checked", binding{"plugin": "check"})
	long := form{"message": strings.Repeat("x", 5<<20)}
	p.ask(t, "checked", long).want(t, 413).says(t, "too large for the hooks")
	p.submit(t, "checked", long).want(t, 413)
	p.run(t, "checked", form{"message": "hello"}).must(t, "hello")
}

// TestIDsOfAllShapes: whatever may be an id is found again.
func TestIDsOfAllShapes(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	for _, id := range []string{"a/b", "..", ".", "?x=1#y", "%2f", " ", "ü\u202e", `"'\`, "a;b&c=d+e"} {
		p.run(t, "agent", form{"message": "hello", "run_id": id, "session_id": id}).must(t, "hello")
		path := "/agents/agent/runs/" + escapeAll(id) + "?session_id=" + url.QueryEscape(id)
		var read run
		if r := p.get(t, path); r.status != 200 || json.Unmarshal(r.body, &read) != nil || read.RunID != id {
			t.Errorf("the run %q is read as %d: %.200s", id, r.status, r.body)
		}
		for _, path := range []string{"/sessions/" + escapeAll(id), "/sessions/" + escapeAll(id) + "/runs", "/runs/" + escapeAll(id) + "/hooks"} {
			if r := p.get(t, path); r.status != 200 {
				t.Errorf("%s is answered %d: %.200s", path, r.status, r.body)
			}
		}
	}
}

// escapeAll escapes every byte: some of them mean something in a path.
func escapeAll(text string) string {
	var b strings.Builder
	for i := range len(text) {
		fmt.Fprintf(&b, "%%%02X", text[i])
	}
	return b.String()
}
