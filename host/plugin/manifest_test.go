package plugin_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

const fullManifest = `# what the plugin is
manifest_version: 1
name: pii-guard
version: 1.2.0
description: >
  Refuses or masks
  personal data.
hooks:
  - name: check
    point: input
    export: check_input
    guardrail: true
    timeout: 250ms
  - {point: output, export: notify, mode: background, retry: {max_attempts: 5, initial: 1s, max: 5m}}
permissions:
  http: {hosts: ["https://hooks.slack.com"], hosts_from: [url], reason: "posts the notification"}
config_schema:
  type: object
  properties: {mask: {type: boolean}, url: {type: string}, share: {maximum: 1.5e0}}
limits: {memory: 16MiB, output: 256KiB}
tests:
  - hook: check
    context: {input: {content: "my SSN is 078-05-1120", role: user}, nothing: null, list: [1, -2.5, true]}
    want: {decision: deny}
    http: [{url: "https://hooks.slack.com", status: 200}]
    kv: {a.b: c}
`

func wantManifest() pluginapi.Manifest {
	return pluginapi.Manifest{
		ManifestVersion: 1, Name: "pii-guard", Version: "1.2.0", ABI: pluginapi.ABIExtism,
		Description: "Refuses or masks personal data.\n",
		Hooks: []pluginapi.Hook{
			{
				Name: "check", Point: pluginapi.PointInput, Export: "check_input", Guardrail: true,
				Timeout: pluginapi.Duration(250 * time.Millisecond),
			},
			{
				Name: "notify", Point: pluginapi.PointOutput, Export: "notify", Mode: pluginapi.ModeBackground,
				Retry: &pluginapi.Retry{
					MaxAttempts: 5, Initial: pluginapi.Duration(time.Second), Max: pluginapi.Duration(5 * time.Minute),
				},
			},
		},
		Permissions: pluginapi.Permissions{HTTP: &pluginapi.HTTPPermission{
			Hosts: []string{"https://hooks.slack.com"}, HostsFrom: []string{"url"}, Reason: "posts the notification",
		}},
		ConfigSchema: json.RawMessage(
			`{"properties":{"mask":{"type":"boolean"},"share":{"maximum":1.5e0},"url":{"type":"string"}},"type":"object"}`),
		Limits: pluginapi.Limits{Memory: 16 << 20, Output: 256 << 10},
		Tests: []pluginapi.Test{{
			Hook: "check",
			Context: json.RawMessage(
				`{"input":{"content":"my SSN is 078-05-1120","role":"user"},"list":[1,-2.5,true],"nothing":null}`),
			Want: json.RawMessage(`{"decision":"deny"}`),
			HTTP: []pluginapi.HTTPStub{{URL: "https://hooks.slack.com", Status: 200}},
			KV:   map[string]string{"a.b": "c"},
		}},
	}
}

func TestParseManifest(t *testing.T) {
	t.Parallel()
	got, err := plugin.ParseManifest([]byte(fullManifest))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantManifest(), got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
}

func TestParseManifestReadsJSON(t *testing.T) {
	t.Parallel()
	data, err := json.MarshalIndent(wantManifest(), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got, err := plugin.ParseManifest(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantManifest(), got); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
}

// minimal is a valid manifest to which a test adds its lines; they begin on
// line 6.
const minimal = `manifest_version: 1
name: a
version: 1.0.0
hooks:
  - {point: input, export: run}
`

func TestParseManifestProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, doc string
		want      []string
	}{
		{"empty", "", []string{"line 1: is empty"}},
		{"comment", "# nothing\n", []string{"line 1: is empty"}},
		{"not UTF-8", "name: \xff", []string{"is not UTF-8 text"}},
		{"list", "- a\n", []string{"line 1: must be an object, not a list"}},
		{"text", "hello", []string{"line 1: must be an object, not text"}},
		{"syntax", "a: [1\n", []string{"line 1: is not YAML or JSON: sequence end token ']' not found"}},
		{"two documents", minimal + "---\nname: b\n", []string{"line 7: must be one document, without directives"}},
		{"directive", "%YAML 1.2\n---\n" + minimal, []string{"line 3: must be one document, without directives"}},
		{"too deep", strings.Repeat("[", 60000), []string{"line 1: is nested more than 64 levels deep"}},
		{"too deep in blocks", strings.Repeat("- ", 100), []string{
			"line 1: must be an object, not a list",
			"line 1: " + strings.Repeat("[0]", 65) + ": is nested more than 64 levels deep",
		}},
		{"unknown keys", minimal + "licence: MIT\nlimits: {mem: 1MiB}\n", []string{
			"line 6: licence: unknown key; known are manifest_version, name, version, description, abi, hooks, tools, permissions, config_schema, limits, tests",
			"line 7: limits.mem: unknown key; known are memory, output",
		}},
		{"repeated keys", minimal + "name: b\nlimits: {memory: 1MiB, memory: 2MiB}\n", []string{
			"line 6: name: is set already on line 2",
			"line 7: limits.memory: is set already on line 7",
		}},
		{"wrong types", "manifest_version: \"1\"\nname: 5\nversion: 1.0\nhooks: {}\nlimits: 16MiB\ntests:\n", []string{
			"line 1: manifest_version: must be a number, not text",
			"line 2: name: must be text, not a number",
			"line 3: version: must be text, not a number",
			"line 4: hooks: must be a list, not an object",
			"line 5: limits: must be an object, not text",
			"line 6: tests: has no value",
		}},
		{"units", minimal + "limits: {memory: 16, output: 1MB}\n", []string{
			"line 6: limits.memory: must be text with a unit, not a number",
			`line 6: limits.output: "1MB" is not a size such as 256KiB or 16MiB`,
		}},
		{"bad item", "manifest_version: 1.5\nname: a\nversion: 1.0.0\nhooks:\n  - 1\n  - {point: input, export: [run]}\n", []string{
			"line 1: manifest_version: must be an integer",
			"line 5: hooks[0]: must be an object, not a number",
			"line 6: hooks[1].export: must be text, not a list",
			`line 6: hooks[1].name: must match [A-Za-z_][A-Za-z0-9_-]* with at most 63 characters`,
		}},
		{"shape and meaning at once", minimal + "abi: wasm\npermissions:\n  http: {reason: x}\ntypo: 1\n", []string{
			"line 6: abi: must be extism or wasi-command",
			"line 8: permissions.http: names no host: set hosts or hosts_from",
			"line 9: typo: unknown key; known are manifest_version, name, version, description, abi, hooks, tools, permissions, config_schema, limits, tests",
		}},
		{"contradiction", strings.Replace(minimal, "run}", "run, guardrail: true, mode: background}", 1), []string{
			"line 5: hooks[0].mode: a guardrail is always blocking",
		}},
		{"what is missing has the line above it", "name: a\n", []string{
			"line 1: hooks: needs at least one hook, or tools at least one tool",
			"line 1: manifest_version: must be 1",
			"line 1: version: must be a semantic version such as 1.2.0",
		}},
		{"anchors, aliases, tags and merges", minimal + "description: &d !!str text\ntests: *d\n<<: {abi: extism}\n", []string{
			"line 6: description: anchors are not allowed",
			"line 6: description: tags are not allowed",
			"line 7: tests: aliases are not allowed",
			"line 8: a key must be plain or quoted text",
		}},
		{"what may be run", minimal + "permissions:\n  run: {components: [judge, \"job:x\"], reason: judges}\n", []string{
			`line 7: permissions.run.components[1]: "job:x" must be [agent:|team:|workflow:]id, the id letters, digits, - and _`,
		}},
		{"config schema", minimal + "config_schema: {type: objekt, properties: []}\n", []string{
			"line 6: config_schema.properties: got array, want object",
			"line 6: config_schema.type: got string, want array",
			"line 6: config_schema.type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'",
		}},
		{"config schema reaches out", minimal + "config_schema: {$ref: \"file:///etc/passwd\"}\n", []string{
			`line 6: config_schema: "file:///etc/passwd": a reference must not leave the document`,
		}},
		{"config schema of another kind", minimal + "config_schema: {$schema: \"https://example.com/mine\"}\n", []string{
			`line 6: config_schema: "https://example.com/mine": a reference must not leave the document`,
		}},
		{"config schema without end", minimal + "config_schema: {$ref: \"#\"}\n", []string{
			"line 6: config_schema: a $ref leads back to itself without a property or an item on the way",
		}},
		{"config schema with a bad pattern", minimal + "config_schema: {pattern: \"(\"}\n", []string{
			"line 6: config_schema.pattern: '(' is not valid regex: error parsing regexp: missing closing ): `(`",
		}},
		{"numbers", minimal + "config_schema: {a: 0x10, b: .inf, c: 1e999, d: 99999999999999999999, e: 1_000}\n", []string{
			"line 6: config_schema.a: must be written as JSON writes numbers",
			"line 6: config_schema.b: must be a finite number",
			"line 6: config_schema.c: is too large for a number",
			"line 6: config_schema.d: is too large for an integer: put it in quotes",
			"line 6: config_schema.e: must be written as JSON writes numbers",
		}},
		{"odd keys", minimal + "\"a b\": 1\n\"" + strings.Repeat("k", 99) + "\": 1\n1: 2\n", []string{
			"line 6: [\"a b\"]: unknown key; known are manifest_version, name, version, description, abi, hooks, tools, permissions, config_schema, limits, tests",
			"line 7: [\"" + strings.Repeat("k", 60) + "…\"]: unknown key; known are manifest_version, name, version, description, abi, hooks, tools, permissions, config_schema, limits, tests",
			"line 8: a key must be plain or quoted text",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := plugin.ParseManifest([]byte(tc.doc))
			if diff := cmp.Diff(tc.want, refused(t, err, host.CodeInvalid, "manifest")); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// refused checks an error's code and field and returns its problems as text.
func refused(t *testing.T, err error, code host.Code, field string) []string {
	t.Helper()
	var e *host.Error
	if !errors.As(err, &e) || e.Code != code || e.Field != field {
		t.Fatalf("error is %v, want %s for %s", err, code, field)
	}
	var problems []string
	for _, p := range e.Problems {
		problems = append(problems, p.String())
	}
	return problems
}

// The good ones among the seeds use what YAML and JSON allow.
func TestParseManifestAcceptsSeeds(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"blocks.yaml", "command.yaml", "escapes.json"} {
		data, err := os.ReadFile(filepath.Join("testdata", "manifest", name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plugin.ParseManifest(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseManifestIsBounded(t *testing.T) {
	t.Parallel()
	fits := minimal + strings.Repeat("#", plugin.MaxManifestBytes-len(minimal))
	if _, err := plugin.ParseManifest([]byte(fits)); err != nil {
		t.Errorf("a manifest of the largest size: %v", err)
	}
	_, err := plugin.ParseManifest([]byte(fits + "#"))
	refused(t, err, host.CodeTooLarge, "manifest")
	_, err = plugin.ParseManifest([]byte(minimal + strings.Repeat("name: a\n", 1000)))
	if got := refused(t, err, host.CodeInvalid, "manifest"); len(got) != 101 || got[100] != "and 900 more" {
		t.Errorf("%d problems, the last is %q", len(got), got[len(got)-1])
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(fullManifest))
	f.Add([]byte(minimal))
	seeds, err := filepath.Glob("testdata/manifest/*")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("seeds: %v, %v", seeds, err)
	}
	for _, name := range seeds {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := plugin.ParseManifest(data)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if problems := m.Validate(); problems != nil {
			t.Fatalf("accepted with %v", problems)
		}
		written, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("write an accepted manifest: %v", err)
		}
		again, err := plugin.ParseManifest(written)
		if host.CodeOf(err) == host.CodeTooLarge {
			return // JSON needs more room than YAML
		}
		if err != nil {
			t.Fatalf("%s is refused after a round trip: %v", written, err)
		}
		rewritten, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if string(written) != string(rewritten) {
			t.Fatalf("%s became %s", written, rewritten)
		}
	})
}

// checkRefusal checks that an error says something a client can use.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var e *host.Error
	if !errors.As(err, &e) {
		t.Fatalf("not an error for a client: %v", err)
	}
	if e.Code == host.CodeInvalid && len(e.Problems) == 0 {
		t.Fatalf("refused without a problem: %v", err)
	}
	for _, p := range e.Problems {
		if p.Message == "" || p.Line < 0 {
			t.Fatalf("problem %+v", p)
		}
	}
}
