package plugin_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

var greeter = host.Component{Kind: host.KindAgent, ID: "greeter"}

// strict is a plugin with every kind of hook and a config schema.
const strict = `manifest_version: 1
name: strict
version: 1.0.0
hooks:
  - {name: guard, point: input, export: run, guardrail: true}
  - {name: free, point: input, export: run}
  - {name: late, point: output, export: run, mode: background, timeout: 1m}
permissions:
  http: {hosts_from: [url], reason: posts}
config_schema:
  type: object
  additionalProperties: false
  properties: {mask: {type: boolean}, url: {type: string}}
`

func newBound(t *testing.T, c plugin.Config) *plugin.Registry {
	t.Helper()
	c.Loader = &guests{call: answersName}
	if c.Store == nil {
		c.Store = &memory{}
	}
	r := newRegistry(t, c)
	activate(t, r, []byte(strict), fakeModule, pluginapi.PermissionHTTP)
	install(t, r, manifestOf("sleeping", "1.0.0", ""), fakeModule)
	return r
}

func TestResolve(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	c := plugin.Config{
		Store: store,
		ConfigBindings: map[host.BindingScope][]host.Binding{
			host.HostWide:   {{Plugin: "strict", Hook: "late"}, {Plugin: "sleeping", TopLevel: true}},
			greeter.Scope(): {{Plugin: "strict", Hook: "free"}},
		},
	}
	r := newBound(t, c)
	hostWide := []host.Binding{{Plugin: "strict", Hook: "guard", TopLevel: true}}
	component := []host.Binding{{Plugin: "strict"}}
	if err := r.PutBindings(t.Context(), host.HostWide, hostWide); err != nil {
		t.Fatal(err)
	}
	if err := r.PutBindings(t.Context(), greeter.Scope(), component); err != nil {
		t.Fatal(err)
	}
	c.Loader = &guests{call: answersName}
	for _, r := range []*plugin.Registry{r, newRegistry(t, c)} {
		want := []string{"strict.late config", "sleeping. config inactive", "strict.guard api", "strict.free config", "strict. api"}
		if diff := cmp.Diff(want, resolved(r, greeter, host.OriginClient)); diff != "" {
			t.Errorf("top-level run (-want +got):\n%s", diff)
		}
		want = []string{"strict.late config", "strict.free config", "strict. api"}
		if diff := cmp.Diff(want, resolved(r, greeter, host.OriginParent)); diff != "" {
			t.Errorf("member (-want +got):\n%s", diff)
		}
		other := host.Component{Kind: host.KindTeam, ID: "greeter"}
		if diff := cmp.Diff([]string{"strict.late config"}, resolved(r, other, host.OriginParent)); diff != "" {
			t.Errorf("other component (-want +got):\n%s", diff)
		}
	}
	component[0].Source = host.SourceAPI
	want := append([]host.Binding{{Plugin: "strict", Hook: "free", Source: host.SourceConfig}}, component...)
	if diff := cmp.Diff(want, r.Bindings(greeter.Scope())); diff != "" {
		t.Errorf("bindings of the scope (-want +got):\n%s", diff)
	}
}

// resolved writes "plugin.hook source" for each binding.
func resolved(r *plugin.Registry, c host.Component, origin host.Origin) []string {
	var lines []string
	for _, b := range r.Resolve(c, origin) {
		line := b.Binding.Plugin + "." + b.Binding.Hook + " " + string(b.Binding.Source)
		if b.Plugin == nil {
			line += " inactive"
		}
		lines = append(lines, line)
	}
	return lines
}

func TestPutBindingsAccepts(t *testing.T) {
	t.Parallel()
	r := newBound(t, plugin.Config{})
	for name, b := range map[string]host.Binding{
		"all hooks":                {Plugin: "strict"},
		"guardrail in background":  {Plugin: "strict", Hook: "guard", Mode: pluginapi.ModeBackground},
		"guardrail that may fail":  {Plugin: "strict", Hook: "guard", OnError: pluginapi.OnErrorAllow},
		"configuration":            {Plugin: "strict", Config: json.RawMessage(`{"mask":true,"url":"https://x/y"}`)},
		"a host without a URL":     {Plugin: "strict", Config: json.RawMessage(`{"url":"localhost:8080"}`)},
		"no URL":                   {Plugin: "strict", Config: json.RawMessage(`{"url":""}`)},
		"long in background":       {Plugin: "strict", Hook: "free", Mode: pluginapi.ModeBackground, Timeout: pluginapi.Duration(time.Minute)},
		"short and blocking":       {Plugin: "strict", Hook: "late", Mode: pluginapi.ModeBlocking, Timeout: pluginapi.Duration(time.Second)},
		"top level in another run": {Plugin: "strict", TopLevel: true, Nested: true},
	} {
		if err := r.PutBindings(t.Context(), host.HostWide, []host.Binding{b}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := r.PutBindings(t.Context(), host.HostWide, nil); err != nil || len(r.Bindings(host.HostWide)) > 0 {
		t.Errorf("no bindings: %v, %v", r.Bindings(host.HostWide), err)
	}
}

func TestPutBindingsRefuses(t *testing.T) {
	t.Parallel()
	r := newBound(t, plugin.Config{})
	kept := []host.Binding{{Plugin: "strict", Source: host.SourceAPI}}
	if err := r.PutBindings(t.Context(), greeter.Scope(), kept); err != nil {
		t.Fatal(err)
	}
	minute := pluginapi.Duration(time.Minute)
	err := r.PutBindings(t.Context(), greeter.Scope(), []host.Binding{
		{},
		{Plugin: "unknown"},
		{Plugin: "sleeping"},
		{Plugin: "strict", Hook: "gaurd"},
		{Plugin: "strict", Hook: "guard", Mode: "later", OnError: "ignore", Timeout: -1},
		{Plugin: "strict", Timeout: minute},
		{Plugin: "strict", Hook: "guard", Mode: pluginapi.ModeBackground, Timeout: minute},
		{Plugin: "strict", Hook: "late", Mode: pluginapi.ModeBlocking},
		{Plugin: "strict", Hook: "late", Timeout: 11 * minute},
		{Plugin: "strict", Config: json.RawMessage(`{"mask":"yes","more":1}`)},
		{Plugin: "strict", Config: json.RawMessage(`null`)},
		{Plugin: "strict", Config: json.RawMessage(`{"url":"ftp://x"}`)},
		{Plugin: "strict", Config: json.RawMessage(`{"url":"https://*.x"}`)},
		{Plugin: "strict", TopLevel: true, Nested: true, Source: host.SourceConfig},
	})
	want := []string{
		"hooks[0].plugin: is missing",
		`hooks[1].plugin: no plugin "unknown" is installed`,
		`hooks[2].plugin: the plugin "sleeping" has no active version: activate it first`,
		`hooks[3].hook: the plugin "strict" has no hook "gaurd"; it has guard, free, late`,
		"hooks[4].mode: must be blocking or background",
		"hooks[4].on_error: must be deny or allow",
		"hooks[4].timeout: must be positive",
		"hooks[5].timeout: the hook guard may block and then has at most 5s; its timeout is 1m0s",
		"hooks[5].timeout: the hook free may block and then has at most 5s; its timeout is 1m0s",
		"hooks[6].timeout: the hook guard may block and then has at most 5s; its timeout is 1m0s",
		"hooks[7].mode: the hook late may block and then has at most 5s; its timeout is 1m0s",
		"hooks[8].timeout: must be at most 10m0s",
		"hooks[9].config.mask: got string, want boolean",
		"hooks[9].config.more: is not a property of the schema",
		"hooks[10].config: must be an object",
		"hooks[11].config.url: must be an http or https URL, or a host: the plugin sends requests there",
		"hooks[12].config.url: must be an http or https URL, or a host: the plugin sends requests there",
		"hooks[13].top_level: is only for bindings of the whole host",
		"hooks[13].nested: is only for bindings of the whole host",
		"hooks[13].source: bindings of the configuration cannot be changed: leave them out",
	}
	if diff := cmp.Diff(want, refused(t, err, host.CodeInvalid, "hooks")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(kept, r.Bindings(greeter.Scope())); diff != "" {
		t.Errorf("bindings (-want +got):\n%s", diff)
	}
}

// What many bindings cost to check is bounded.
func TestPutBindingsBounds(t *testing.T) {
	t.Parallel()
	clock := time.Unix(0, 0)
	r := newRegistry(t, plugin.Config{
		Store: &memory{}, Loader: &guests{call: answersName},
		Now: func() time.Time { clock = clock.Add(time.Second); return clock }, // every check takes a second
	})
	activate(t, r, manifestOf("a", "1.0.0", "config_schema: {required: [a]}\n"), fakeModule)
	bindings := slices.Repeat(bindingsOf("a"), 5)
	want := []string{
		"hooks[0].config: missing property 'a'", "hooks[1].config: missing property 'a'", "hooks[2].config: missing property 'a'",
	}
	for i := 3; i < 5; i++ {
		want = append(want, fmt.Sprintf(
			"hooks[%d].config: is not checked: the config_schema of this plugin, or of those before, takes more than 2s", i))
	}
	err := r.PutBindings(t.Context(), host.HostWide, bindings)
	if diff := cmp.Diff(want, refused(t, err, host.CodeInvalid, "hooks")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	err = r.PutBindings(t.Context(), host.HostWide, slices.Repeat(bindingsOf("a"), plugin.MaxBindings+1))
	if refused(t, err, host.CodeInvalid, "hooks"); !strings.Contains(err.Error(), "1001 bindings; at most 1000") {
		t.Errorf("too many: %v", err)
	}
}

func TestCheckConfigBindings(t *testing.T) {
	t.Parallel()
	r := newBound(t, plugin.Config{ConfigBindings: map[host.BindingScope][]host.Binding{
		host.HostWide:   {{Plugin: "strict"}, {Plugin: "sleeping"}},
		greeter.Scope(): {{Plugin: "unknown"}, {Plugin: "strict", Hook: "free", TopLevel: true}},
	}})
	warnings, err := r.CheckConfigBindings()
	want := []string{`hooks[1]: the plugin "sleeping" has no active version: its hooks count as failed`}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	want = []string{
		`agents["greeter"].hooks[0].plugin: no plugin "unknown" is installed`,
		`agents["greeter"].hooks[1].top_level: is only for bindings of the whole host`,
	}
	if diff := cmp.Diff(want, refused(t, err, host.CodeInvalid, "hooks")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if warnings, err := newBound(t, plugin.Config{}).CheckConfigBindings(); warnings != nil || err != nil {
		t.Errorf("no bindings: %v, %v", warnings, err)
	}
}
