package pluginapi_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// manifest returns a valid manifest that uses everything.
func manifest() pluginapi.Manifest {
	return pluginapi.Manifest{
		ManifestVersion: pluginapi.ManifestVersion,
		Name:            "pii-guard",
		Version:         "1.2.0-rc.1+build.7",
		Hooks: []pluginapi.Hook{
			{Name: "check", Point: pluginapi.PointInput, Export: "check_input", Guardrail: true},
			{Point: pluginapi.PointOutput, Export: "notify", Mode: pluginapi.ModeBackground,
				Timeout: pluginapi.Duration(time.Minute), Retry: &pluginapi.Retry{MaxAttempts: 3}},
		},
		Permissions: pluginapi.Permissions{
			HTTP: &pluginapi.HTTPPermission{
				Hosts:     []string{"hooks.slack.com", "https://*.example.com:8443", "http://127.0.0.1", "[::1]:80"},
				HostsFrom: []string{"url"}, Reason: "posts",
			},
			KV:           &pluginapi.KVPermission{MaxBytes: 1024, Reason: "counts"},
			SessionState: &pluginapi.SessionStatePermission{Access: pluginapi.AccessRead, Reason: "reads"},
			Run:          &pluginapi.RunPermission{ComponentsFrom: []string{"judge"}, Reason: "asks"},
			Secrets:      []pluginapi.SecretPermission{{Name: "SLACK_TOKEN", Reason: "authenticates"}},
		},
		ConfigSchema: json.RawMessage(`{"properties":{"url":{"type":"string"},"judge":{}}}`),
		Limits:       pluginapi.Limits{Memory: 16 << 20, Output: 256 << 10},
		Tests: []pluginapi.Test{{
			Hook: "notify", Context: json.RawMessage(`{}`), Want: json.RawMessage(`{}`), Config: json.RawMessage(`{}`),
			HTTP: []pluginapi.HTTPStub{{URL: "https://x", Status: 200}}, KV: map[string]string{"a": "b"},
		}},
	}
}

func TestManifestIsValid(t *testing.T) {
	t.Parallel()
	m := manifest()
	if problems := m.Validate(); problems != nil {
		t.Errorf("problems: %v", problems)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if !accepts(t, compile(t, pluginapi.ManifestSchema()), string(data)) {
		t.Errorf("the schema refuses %s", data)
	}
	var again pluginapi.Manifest
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Errorf("round trip (-want +got):\n%s", diff)
	}
}

func TestManifestDefaults(t *testing.T) {
	t.Parallel()
	m := pluginapi.Manifest{Hooks: []pluginapi.Hook{{Export: "a"}, {Export: "b", Name: "named"}}}
	got := m.WithDefaults()
	want := []pluginapi.Hook{{Name: "a", Export: "a"}, {Name: "named", Export: "b"}}
	if diff := cmp.Diff(want, got.Hooks); diff != "" || got.ABI != pluginapi.ABIExtism {
		t.Errorf("ABI %q, hooks (-want +got):\n%s", got.ABI, diff)
	}
	if m.Hooks[0].Name != "" {
		t.Error("the original was changed")
	}
	m = pluginapi.Manifest{ABI: pluginapi.ABIWASICommand, Hooks: []pluginapi.Hook{{Point: pluginapi.PointInput}}}
	want = []pluginapi.Hook{{Name: "input", Point: pluginapi.PointInput, Export: pluginapi.ExportStart}}
	if diff := cmp.Diff(want, m.WithDefaults().Hooks); diff != "" {
		t.Errorf("wasi-command (-want +got):\n%s", diff)
	}
}

func TestManifestProblems(t *testing.T) {
	t.Parallel()
	type m = pluginapi.Manifest
	for want, change := range map[string]func(*m){
		"manifest_version: must be 1":                  func(m *m) { m.ManifestVersion = 2 },
		"name: must match":                             func(m *m) { m.Name = "Pii_Guard" },
		"abi: must be extism or wasi-command":          func(m *m) { m.ABI = "component" },
		"hooks: needs at least one":                    func(m *m) { m.Hooks = nil; m.Tests = nil },
		"hooks[0].name: must match":                    func(m *m) { m.Hooks[0].Name = "a.b" },
		"hooks[1].name: \"check\" is used":             func(m *m) { m.Hooks[1].Name = "check"; m.Tests = nil },
		"hooks[1].point: must be one of agent_startup": func(m *m) { m.Hooks[1].Point = "pre" },
		"hooks[0].export: is missing":                  func(m *m) { m.Hooks[0].Export = "" },
		"hooks[0].export: _start is only":              func(m *m) { m.Hooks[0].Export = "_start" },
		"hooks[0].export: must be printable":           func(m *m) { m.Hooks[0].Export = "a\n" },
		"hooks[0].mode: a guardrail":                   func(m *m) { m.Hooks[0].Mode = pluginapi.ModeBackground },
		"hooks[1].mode: must be blocking":              func(m *m) { m.Hooks[1].Mode = "later"; m.Hooks[1].Timeout = 0 },
		"hooks[0].on_error: a guardrail":               func(m *m) { m.Hooks[0].OnError = pluginapi.OnErrorAllow },
		"hooks[1].on_error: must be deny":              func(m *m) { m.Hooks[1].OnError = "ignore" },
		"hooks[0].timeout: must be at most 5s":         func(m *m) { m.Hooks[0].Timeout = pluginapi.Duration(6 * time.Second) },
		"hooks[1].timeout: must be at most 10m0s":      func(m *m) { m.Hooks[1].Timeout = pluginapi.Duration(time.Hour) },
		"hooks[1].timeout: must be at most 5s unless":  func(m *m) { m.Hooks[1].Mode = "" },
		"hooks[1].timeout: must be positive":           func(m *m) { m.Hooks[1].Timeout = -1 },
		"hooks[0].retry: is only":                      func(m *m) { m.Hooks[0].Retry = &pluginapi.Retry{} },
		"hooks[1].retry.max_attempts: must":            func(m *m) { m.Hooks[1].Retry.MaxAttempts = 101 },
		"hooks[1].retry.initial: must be positive":     func(m *m) { m.Hooks[1].Retry.Initial = -1 },
		"hooks[1].retry.max: must not": func(m *m) {
			m.Hooks[1].Retry.Initial, m.Hooks[1].Retry.Max = pluginapi.Duration(time.Minute), pluginapi.Duration(time.Second)
		},
		"permissions.http.reason: is missing":             func(m *m) { m.Permissions.HTTP.Reason = " " },
		"permissions.http: names no host":                 func(m *m) { m.Permissions.HTTP.Hosts, m.Permissions.HTTP.HostsFrom = nil, nil },
		"permissions.http.hosts[0]: must be":              func(m *m) { m.Permissions.HTTP.Hosts[0] = "https://x/path" },
		"permissions.http.hosts_from[0]: \"u\" is not":    func(m *m) { m.Permissions.HTTP.HostsFrom[0] = "u" },
		"permissions.http.hosts_from[0]: is empty":        func(m *m) { m.Permissions.HTTP.HostsFrom[0] = "" },
		"permissions.kv.max_bytes: must":                  func(m *m) { m.Permissions.KV.MaxBytes = 1 << 30 },
		"permissions.kv.reason: is missing":               func(m *m) { m.Permissions.KV.Reason = "" },
		"permissions.session_state.access: must":          func(m *m) { m.Permissions.SessionState.Access = "all" },
		"permissions.session_state.reason: is":            func(m *m) { m.Permissions.SessionState.Reason = "" },
		"permissions.run: names no component":             func(m *m) { m.Permissions.Run.ComponentsFrom = nil },
		`permissions.run.components[0]: "job:judge" must`: func(m *m) { m.Permissions.Run.Components = []string{"job:judge"} },
		"permissions.run.reason: is missing":              func(m *m) { m.Permissions.Run.Reason = "" },
		"permissions.run.components_from[0]: \"j\"":       func(m *m) { m.Permissions.Run.ComponentsFrom[0] = "j" },
		"permissions.secrets[0].name: must match":         func(m *m) { m.Permissions.Secrets[0].Name = "token" },
		"permissions.secrets[0].reason: is missing":       func(m *m) { m.Permissions.Secrets[0].Reason = "" },
		"permissions.secrets[1].name: \"SLACK_TOKEN\"": func(m *m) {
			m.Permissions.Secrets = append(m.Permissions.Secrets, m.Permissions.Secrets[0])
		},
		"config_schema: must be an object":         func(m *m) { m.ConfigSchema = json.RawMessage(`[]`) },
		"limits.memory: must be between 64KiB":     func(m *m) { m.Limits.Memory = 65 << 20 },
		"limits.output: must be at most 1MiB":      func(m *m) { m.Limits.Output = 2 << 20 },
		"tests: must be at most 100":               func(m *m) { m.Tests = tests(101) },
		"tests[0].hook: the plugin has no hook":    func(m *m) { m.Tests[0].Hook = "check_input" },
		"tests[0].context: is missing":             func(m *m) { m.Tests[0].Context = nil },
		"tests[0].want: must be an object":         func(m *m) { m.Tests[0].Want = json.RawMessage(`"deny"`) },
		"tests[0].config: must be an object":       func(m *m) { m.Tests[0].Config = json.RawMessage(`1`) },
		"tests[0].http[0].url: is missing":         func(m *m) { m.Tests[0].HTTP[0].URL = "" },
		"tests[0].http[0].status: must be between": func(m *m) { m.Tests[0].HTTP[0].Status = 99 },
		`tests[0].run["a b"]: must be`:             func(m *m) { m.Tests[0].Run = runStub("a b", pluginapi.RunStub{Status: "ERROR"}) },
		`tests[0].run["j"].content: is missing`:    func(m *m) { m.Tests[0].Run = runStub("j", pluginapi.RunStub{}) },
		`tests[0].run["j"].content: must be`:       func(m *m) { m.Tests[0].Run = runStub("j", pluginapi.RunStub{Content: []byte("1")}) },
		`tests[0].run["j"].status: must be`:        func(m *m) { m.Tests[0].Run = runStub("j", pluginapi.RunStub{Status: "RUNNING"}) },
		`tests[0].run["j"].error: is only for`: func(m *m) {
			m.Tests[0].Run = runStub("j", pluginapi.RunStub{Status: "CANCELLED", Error: &pluginapi.RunFailure{}})
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			m := manifest()
			change(&m)
			problems := m.Validate()
			if len(problems) != 1 || !strings.HasPrefix(problems[0].String(), want) {
				t.Errorf("problems are %v", problems)
			}
		})
	}
}

func runStub(name string, stub pluginapi.RunStub) map[string]pluginapi.RunStub {
	return map[string]pluginapi.RunStub{name: stub}
}

func tests(n int) []pluginapi.Test {
	all := make([]pluginapi.Test, n)
	for i := range all {
		all[i] = manifest().Tests[0]
	}
	return all
}

func TestManifestReportsEverything(t *testing.T) {
	t.Parallel()
	m := pluginapi.Manifest{Name: "X", Hooks: []pluginapi.Hook{{}}, Tests: []pluginapi.Test{{Hook: "y"}}}
	var paths []string
	for _, p := range m.Validate() {
		paths = append(paths, p.Path)
	}
	want := []string{
		"manifest_version", "name", "version", "hooks[0].name", "hooks[0].point", "hooks[0].export",
		"tests[0].hook", "tests[0].context", "tests[0].want",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestWASICommand(t *testing.T) {
	t.Parallel()
	m := manifest()
	m.ABI = pluginapi.ABIWASICommand
	m.Hooks = []pluginapi.Hook{{Point: pluginapi.PointInput}, {Point: pluginapi.PointOutput}}
	m.Tests = nil
	if problems := m.Validate(); problems != nil {
		t.Errorf("problems: %v", problems)
	}
	m.Hooks[0].Export = "main"
	if problems := m.Validate(); len(problems) != 1 || problems[0].Path != "hooks[0].export" {
		t.Errorf("problems: %v", problems)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for version, valid := range map[string]bool{
		"0.0.0": true, "1.2.3": true, "10.20.30": true, "1.0.0-alpha": true, "1.0.0-0.3.7": true,
		"1.0.0-x-y-z.-": true, "1.0.0+001": true, "1.0.0-a+b-c.01": true,
		"": false, "1": false, "1.2": false, "1.2.3.4": false, "v1.2.3": false, "01.2.3": false,
		"1.2.03": false, "1.2.3-": false, "1.2.3+": false, "1.2.3-01": false, "1.2.3-a..b": false,
		"1.2.3+a_b": false, "1.2.3+a+b": false, "1..3": false, "1.2.x": false, " 1.2.3": false,
		"1.2.3-" + strings.Repeat("a", 200): false,
	} {
		m := manifest()
		m.Version = version
		if got := m.Validate() == nil; got != valid {
			t.Errorf("version %q: valid is %t", version, got)
		}
	}
}

func TestHTTPHosts(t *testing.T) {
	t.Parallel()
	for host, valid := range map[string]bool{
		"example.com": true, "EXAMPLE.com": true, "localhost": true, "localhost:8080": true, "http://example.com": true,
		"https://example.com:443": true, "*.example.com": true, "10.0.0.1": true, "[::1]": true, "http://[fe80::1]:80": true,
		"": false, "https://": false, "ftp://example.com": false, "example.com/": false, "example.com:": false,
		"example.com:0": false, "example.com:65536": false, "example.com:+80": false, "user@example.com": false,
		"example..com": false, "*": false, "a.*.com": false, "*.10.0.0.1": false, "*.": false, "::1": false, "[::1": false, "[::1]x": false,
		"[fe80::1%eth0]": false, "[127.0.0.1]": false, "exa mple.com": false, "bücher.example": false, "example.com?x": false,
		"https://https://x": false, strings.Repeat("a.", 127) + "com": false,
	} {
		m := manifest()
		m.Permissions.HTTP.Hosts = []string{host}
		if got := m.Validate() == nil; got != valid {
			t.Errorf("host %q: valid is %t", host, got)
		}
	}
}

func TestPermissionNames(t *testing.T) {
	t.Parallel()
	p := manifest().Permissions
	want := []pluginapi.Permission{
		pluginapi.PermissionHTTP, pluginapi.PermissionKV, pluginapi.PermissionSessionState,
		pluginapi.PermissionRun, pluginapi.PermissionSecrets,
	}
	if diff := cmp.Diff(want, p.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	reasons := p.Reasons()
	for _, name := range want {
		if reasons[name] == "" {
			t.Errorf("%s has no reason", name)
		}
	}
	if got := (pluginapi.Permissions{}).Names(); got != nil {
		t.Errorf("no permissions are %v", got)
	}
}
