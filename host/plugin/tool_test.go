package plugin_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// tooled is a plugin with tools alone; its tests are to follow.
const tooled = `manifest_version: 1
name: tooled
version: 1.0.0
tools:
  - {name: say, description: Says., parameters: {type: object, properties: {n: {type: integer}}}}
  - {name: ask, description: Asks., parameters: {type: object}}
  - {name: fail, description: Fails., parameters: {type: object}}
  - {name: trap, description: Traps., parameters: {type: object}}
permissions:
  http: {hosts: [api.example.com], reason: asks}
config_schema: {type: object, properties: {say: {type: string}}}
`

func tooledModule(t *testing.T) []byte {
	t.Helper()
	return guesttest.Module(t, map[string]guesttest.Hook{
		"say": guesttest.AnswersConfig("say"), "ask": guesttest.Requests(`{"url":"https://api.example.com/now"}`),
		"fail": guesttest.Fails("division by zero"), "trap": guesttest.Traps(),
	})
}

func TestToolTestsPass(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	p := install(t, r, []byte(tooled+`tests:
  - {tool: say, arguments: {n: 1}, config: {say: '{"a":1.0,"b":[2],"c":3}'}, want: {result: {a: 1, b: [2]}}}
  - {tool: say, arguments: {}, config: {say: some text}, want: {result: some text}}
  - {tool: ask, arguments: {}, http: [{url: "https://api.example.com/now", body: noon}], want: {result: noon}}
  - {tool: fail, arguments: {}, want: {error: by zero}}
`), tooledModule(t))
	if p.Tests != host.TestsPassed {
		t.Errorf("tests are %s", p.Tests)
	}
	if _, err := r.ActivePlugin("tooled"); host.CodeOf(err) != host.CodeUnavailable || !strings.Contains(err.Error(), `"tooled"`) {
		t.Errorf("before it is activated: %v", err)
	}
	if _, err := r.ActivePlugin("none"); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("a plugin that is not installed: %v", err)
	}
	const other = `manifest_version: 1
name: other
version: 1.0.0
tools: [{name: run, description: Says., parameters: {type: object}}]
`
	want := activate(t, r, []byte(other), answering(t, "")).Digest
	if got, err := r.ActivePlugin("other"); err != nil || got.Digest != want {
		t.Errorf("the active plugin: %v, %v", got, err)
	}
	err := r.PutBindings(t.Context(), host.HostWide, []host.Binding{{Plugin: "other"}})
	if err == nil || !strings.Contains(err.Error(), `hooks[0].plugin: the plugin "other" has no hooks, only tools`) {
		t.Errorf("bind a plugin with tools alone: %v", err)
	}
}

func TestToolTestsFail(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	_, err := r.Install(t.Context(), []byte(tooled+`tests:
  - {name: adds, tool: say, arguments: {}, config: {say: "2"}, want: {result: 3}}
  - {tool: say, arguments: {}, config: {say: '{"a":1}'}, want: {result: {a: 2}}}
  - {tool: say, arguments: {}, config: {say: fine}, want: {error: wrong}}
  - {tool: fail, arguments: {}, want: {error: overflow}}
  - {tool: fail, arguments: {}, want: {result: 1}}
  - {tool: trap, arguments: {}, want: {error: trap}}
  - {tool: ask, arguments: {}, want: {result: noon}}
`), tooledModule(t))
	want := []string{
		`line 13: tests[0]: the test "adds" of the tool say: want the result 3, got 2`,
		`line 14: tests[1]: a test of the tool say: want the result {"a":2}, got {"a":1}; they differ in a`,
		`line 15: tests[2]: a test of the tool say: want the error "wrong", got the result "fine"`,
		`line 16: tests[3]: a test of the tool fail: want an error with "overflow", got "division by zero"`,
		`line 17: tests[4]: a test of the tool fail: want the result 1, but the tool says: division by zero`,
		`line 18: tests[5]: a test of the tool trap: want {"error":"trap"}, but the tool failed: trap: `,
		`line 19: tests[6]: a test of the tool ask: want {"result":"noon"}, but the tool failed: refused: nothing is stubbed`,
	}
	got := refused(t, err, host.CodeInvalid, "tests")
	if !samePrefixes(want, got) {
		t.Errorf("problems (-want +got):\n%s", cmp.Diff(want, got))
	}
	if last := got[len(got)-1]; !strings.HasSuffix(last, "; not stubbed: GET https://api.example.com/now") {
		t.Errorf("what is not stubbed: %s", last)
	}
}

// Everything that is wrong with tools is reported at once, with its line.
func TestToolsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	_, err := r.Install(t.Context(), []byte(`manifest_version: 1
name: tooled
version: 1.0.0
tools:
  - name: say
    description: Says.
    parameters: {type: object, properties: {n: {type: sausage}}}
    idempotnt: true
  - {name: gone, description: Is not there., parameters: {type: object}}
  - {name: taker, description: Takes., parameters: {type: object}}
  - {name: twice, export: say, description: Checks., parameters: {type: object, properties: {n: {type: integer}}}}
tests:
  - {tool: twice, arguments: {n: one}, want: {result: 1}}
`), guesttest.Module(t, map[string]guesttest.Hook{"say": guesttest.Answers(""), "taker": guesttest.TakesParameter()}))
	want := []string{
		"line 7: tools[0].parameters.properties.n.type: got string",
		"line 7: tools[0].parameters.properties.n.type: value must be one of",
		"line 8: tools[0].idempotnt: unknown key; known are name, export, description, parameters, idempotent, timeout",
		"line 13: tests[0].arguments.n: got string, want integer",
		"module.exports[gone]: the module exports no function of this name",
		"module.exports[taker]: the function is (i32) -> i32; it must be () -> i32",
	}
	if got := refused(t, err, host.CodeInvalid, "manifest"); !samePrefixes(want, got) {
		t.Errorf("problems (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// A plugin is known by its digest, so what is added to manifests must not change
// that of plugins without it.
func TestDigestStaysAsItWas(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{Store: &memory{}, Loader: &guests{call: answersName}})
	p := install(t, r, manifestOf("a", "1.0.0", httpPermission+`tests:
  - {hook: run, context: {input: {content: hi}}, want: {reason: "host_error:interceptor_failed"}}
`), fakeModule)
	if want := "sha256:b3e5c9f7f13740b1e2acaf04da21b30380c0b363d73fa73db1bf2fe7a9594dd7"; p.Digest != want {
		t.Errorf("digest %s, want %s", p.Digest, want)
	}
}

// The first-party plugin passes its own tests.
func TestCalculator(t *testing.T) {
	t.Parallel()
	const dir = "../../plugins/calculator"
	manifest, err := os.ReadFile(dir + "/plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p := install(t, newRegistry(t, plugin.Config{}), manifest, guesttest.GoDir(t, dir))
	if p.Tests != host.TestsPassed {
		t.Errorf("tests are %s", p.Tests)
	}
}
