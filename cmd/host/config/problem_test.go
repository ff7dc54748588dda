package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// problemsOf reads text and returns what is wrong, one line each.
func problemsOf(t *testing.T, text string) []string {
	t.Helper()
	_, err := parse([]byte(text), "/nowhere", Options{LookupEnv: env(nil)})
	return linesOf(t, err)
}

// linesOf returns the problems an error lists, one line each.
func linesOf(t *testing.T, err error) []string {
	t.Helper()
	var invalid *host.Error
	if !errors.As(err, &invalid) || invalid.Code != host.CodeInvalid {
		t.Fatalf("error = %v, want an invalid *host.Error", err)
	}
	var lines []string
	for _, p := range invalid.Problems {
		lines = append(lines, p.String())
	}
	return lines
}

func TestEveryProblemIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `listen: 0.0.0.0:80
listen: x
store: mysql://db/x
teams: []
models:
  a: {provider: openai, id: gpt}
  b: {provider: openai, api: assistants, offline: script, api_key: "${NONE}"}
  c: {provider: clever}
  d:
    provider: openai
    id: gpt
    base_url: ftp://x
    temperature: 3
  e: {provider: echo, id: x}
agents:
  - id: one
    model: a
    tools: []
    markdown: yes please
    num_history_runs: -1
  - id: one
    model: z
    model: a
    hooks:
      - {plugin: Bad Name, mode: sometimes, timeout: 5, top_level: true}
      - {config: [], on_error: ignore}
hooks: {plugin: x}
plugins:
  dir: gone
  grants: {p: [http, kv, run, root]}
cors_origins: ["*", "http://a/b"]
run_hooks_in_background: 1
`)
	want := []string{
		`line 1: listen: 0.0.0.0:80 can be reached from other machines, and nothing asks who calls: set security_key, listen on a loopback address, or say insecure: true (--insecure)`,
		`line 2: listen: repeats the key of line 1`,
		`line 3: store: must be a URL such as sqlite://snaphook.db or postgres://user@host/database`,
		`line 6: models.a: needs an api_key or a base_url, or offline: echo or script to run without a model`,
		`line 7: models.b: script is missing`,
		`line 7: models.b.api: "assistants" is not one of chat, responses`,
		`line 7: models.b: id is missing`,
		`line 7: models.b.api_key: the environment variable NONE is not set`,
		`line 8: models.c.provider: "clever" is not one of openai, echo`,
		`line 12: models.d.base_url: must be an http or https URL without user, query and fragment`,
		`line 13: models.d.temperature: must be from 0 to 2`,
		`line 14: models.e.id: unknown key; the keys here are provider`,
		`line 19: agents[0].markdown: must be true or false, not text`,
		`line 20: agents[0].num_history_runs: must be a whole number from 0 to 1000`,
		`line 21: agents[1]: repeats the id one of line 16`,
		`line 22: agents[1].model: "z" is not one of the models: a, b, c, d, e`,
		`line 23: agents[1].model: repeats the key of line 22`,
		`line 25: agents[1].hooks[0].plugin: "Bad Name" is not a plugin's name: small letters, digits and -, at most 63`,
		`line 25: agents[1].hooks[0].mode: "sometimes" is not one of blocking, background`,
		`line 25: agents[1].hooks[0].timeout: must be text, not a number`,
		`line 25: agents[1].hooks[0].top_level: is only for the hooks of the whole host`,
		`line 26: agents[1].hooks[1]: plugin is missing`,
		`line 26: agents[1].hooks[1].config: must be a mapping, not a list`,
		`line 26: agents[1].hooks[1].on_error: "ignore" is not one of deny, allow`,
		`line 27: hooks: must be a list, not a mapping`,
		`line 29: plugins.dir: /nowhere/gone is not a directory that can be read`,
		`line 30: plugins.grants.p[3]: "root" is not one of http, kv, session_state, run, secrets`,
		`line 31: cors_origins[0]: "*" is not an origin such as http://localhost:3000`,
		`line 31: cors_origins[1]: "http://a/b" is not an origin such as http://localhost:3000`,
		`line 32: run_hooks_in_background: must be true or false, not a number`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestOneProblem(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"empty", "", "the file is empty"},
		{"only comments", "# nothing\n", "the file is empty"},
		{"no mapping", "- a\n", "line 1: must be a mapping, not a list"},
		{"syntax", "a: 1\nb: [1, 2\n", "line 2: sequence end token ']' not found"},
		{"indentation", "agents:\n  - id: a\n model: b\n", "line 3: value is not allowed in this context"},
		{"second document", "listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2\n", "line 3: a second document is not read"},
		{"alias", "hooks: &h []\nagents: *h\n", "line 1: hooks: the YAML feature \"anchor\" is not supported"},
		{"tag", "listen: !!str x\n", "line 1: listen: the YAML feature \"tag\" is not supported"},
		{"merge", "<<: {listen: x}\n", "line 1: a key must be text"},
		{"variable as key", "models: {${A}: {provider: echo}}\n", "line 1: models: ${A}: a key cannot hold a variable"},
		{"missing variable", "store: sqlite://${DIR}/a.db\n", "line 1: store: the environment variable DIR is not set"},
		{"open variable", "listen: \"${HOST\"\n", "line 1: listen: ${ does not begin a variable such as ${NAME}; write $${ for a plain ${"},
		{"reserved character", "listen: \"\uE000\"\n", "the characters U+E000 to U+E002 are not allowed"},
		{"no port", "listen: localhost\n", `line 1: listen: "localhost" is not an address such as 127.0.0.1:7777`},
		{"every interface", "listen: :7777\n", "line 1: listen: :7777 can be reached"},
		{"a name", "listen: \"db.internal:1\"\n", "line 1: listen: db.internal:1 can be reached"},
		{"no such store", "store: mysql://u:secret@x\n", "line 1: store: must be a URL such as sqlite://snaphook.db"},
		{"store without file", "store: sqlite://\n", "line 1: store: names no file"},
		{"store with parameters", "store: sqlite://a.db?mode=ro\n", "line 1: store: takes no parameters after the path"},
		{"infinite number", "hooks: [{plugin: a, config: {x: .inf}}]\n", "line 1: hooks[0].config.x: must be a finite number"},
		{"agent id", "models: {m: {provider: echo}}\nagents: [{id: a/b, model: m}]\n", `line 2: agents[0].id: "a/b" is not an id`},
		{"instructions", "models: {m: {provider: echo}}\nagents: [{id: a, model: m, instructions: 1}]\n", "line 2: agents[0].instructions: must be text or a list of texts, not a number"},
		{"grant name", "plugins: {grants: {P: []}}\n", "line 1: plugins.grants.P: is not a plugin's name"},
		{"password in base_url", "models: {m: {provider: openai, id: x, base_url: \"https://u:secret@h\"}}\n", "line 1: models.m.base_url: must be an http or https URL"},
		{"temperature", "models: {m: {provider: openai, id: gpt-5.2, api_key: k, temperature: 0.5}}\n", "line 1: models.m.temperature: this model has"},
		{"too many retries", "models: {m: {provider: openai, id: x, api_key: k, max_retries: 11}}\n", "line 1: models.m.max_retries: must be a whole number from 0 to 10"},
		{"no time", "models: {m: {provider: openai, id: x, api_key: k, timeout: 0s}}\n", "line 1: models.m.timeout: a duration must be positive"},
		{"short key", "security_key: fifteen-letters\n", "line 1: security_key: must have 16 to 1024 characters"},
		{"empty key", "security_key: ''\n", "line 1: security_key: must have 16 to 1024 characters"},
		{"key with a space", "security_key: sixteen letters!\n", "line 1: security_key: must have no spaces and only printable ASCII characters"},
		{"key of another type", "security_key: 1234567890123456\n", "line 1: security_key: must be text, not a number"},
		{"key not set", "security_key: ${NOT_SET}\n", "line 1: security_key: the environment variable NOT_SET is not set"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := problemsOf(t, test.text)
			if !strings.HasPrefix(got[0], test.want) {
				t.Errorf("problem = %q, want %q", got[0], test.want)
			}
			if strings.Contains(strings.Join(got, ""), "secret") {
				t.Errorf("a problem quotes a password: %q", got)
			}
		})
	}
}

func TestLoopbackNeedsNoPermission(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"localhost:0", "127.0.0.1:7777", "127.9.9.9:1", "[::1]:80", "[::ffff:127.0.0.1]:80"} {
		if _, err := parse([]byte("listen: \""+address+"\""), "/", Options{LookupEnv: env(nil)}); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// FuzzLoad checks that any file is either a configuration whose agents have their
// models, or an error that lists problems.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("{}"))
	f.Add([]byte("models: {${A}: [}\n"))
	f.Add([]byte(composed))
	f.Add([]byte("a: &x {b: *x}\n<<: *x\n"))
	f.Add([]byte("listen: |\n  $${x} ${y\n--- 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parse(data, "/nowhere", Options{LookupEnv: env(map[string]string{"A": "a"})})
		if err != nil {
			var invalid *host.Error
			if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
				t.Errorf("error without problems: %v", err)
			}
			return
		}
		for _, agent := range c.Agents {
			if c.Models[agent.Model] == nil || agent.ID == "" {
				t.Errorf("agent %q has no model %q", agent.ID, agent.Model)
			}
		}
		for _, team := range c.Teams {
			if c.Models[team.Model] == nil || team.ID == "" || team.Mode == "" || len(team.Members) == 0 {
				t.Errorf("team %q lacks something: %+v", team.ID, team)
			}
		}
		for _, workflow := range c.Workflows {
			if workflow.ID == "" || len(workflow.Steps) == 0 {
				t.Errorf("workflow %q lacks something: %+v", workflow.ID, workflow)
			}
			checkSteps(t, workflow.Steps, map[string]bool{})
		}
	})
}

// checkSteps checks that steps are whole and have names of their own.
func checkSteps(t *testing.T, steps []host.Step, names map[string]bool) {
	t.Helper()
	for _, s := range steps {
		if s.Name == "" || names[s.Name] || s.Kind == "" || s.OnError == "" {
			t.Errorf("step %q lacks something, or has the name of another: %+v", s.Name, s)
		}
		names[s.Name] = true
		checkSteps(t, s.Steps, names)
		checkSteps(t, s.Else, names)
	}
}
