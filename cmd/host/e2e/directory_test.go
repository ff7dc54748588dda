package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// put puts a plugin into the site's plugins directory.
func (s *site) put(t testing.TB, p plugin) {
	t.Helper()
	s.write(t, "plugins/"+p.name+"/plugin.yaml", []byte(p.manifest))
	s.write(t, "plugins/"+p.name+"/plugin.wasm", p.module)
}

const boundAgent = `{id: agent, model: default, hooks: [{plugin: pii-guard, config: {mask: true}}, {plugin: notifier}]}`

// TestPluginsDirectory: what lies in plugins.dir is registered and active, with
// the grants of the file, and hooks of the file call it.
func TestPluginsDirectory(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{
		agents: []string{boundAgent},
		more:   "plugins:\n  dir: plugins\n  grants: {notifier: [http]}\n",
	})
	s.put(t, firstParty(t, "pii-guard"))
	s.put(t, firstParty(t, "notifier"))
	for range 2 { // the second time the store knows them
		p := s.start(t)
		done := p.run(t, "agent", form{"message": told}).must(t, masked)
		want := []string{"pii-guard.check blocking completed transformed", "notifier.notify background completed allowed"}
		if diff := cmp.Diff(want, summaries(p.settled(t, done.RunID))); diff != "" {
			t.Errorf("hook calls (-want +got):\n%s", diff)
		}
		p.stop(t)
		mustBeUnknown(t, s, p, secret)
	}
}

// TestStartErrors: a host that could not do what its configuration says does
// not start, and says why.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	const dir = "plugins: {dir: plugins}\n"
	broken := newPlugin(t, "broken", "", hook{name: "check", point: "input", does: guesttest.TakesParameter()})
	asks := newPlugin(t, "asks", permitHTTP("https://example.com"), visit("go", "https://example.com"))
	tests := []struct {
		name   string
		config config
		put    []plugin
		args   []string
		says   []string
	}{
		{name: "missing grant", config: config{more: dir}, put: []plugin{asks}, says: []string{"asks", "http"}},
		{name: "refused plugin", config: config{more: dir}, put: []plugin{broken}, says: []string{"broken", "check"}},
		{
			name:   "binding to an unknown plugin",
			config: config{agents: []string{`{id: agent, model: default, hooks: [{plugin: ghost}]}`}},
			says:   []string{"ghost"},
		},
		{name: "another address", args: []string{"--listen", "0.0.0.0:0"}, says: []string{"--insecure"}},
		{name: "unknown model", config: config{agents: []string{`{id: agent, model: ghost}`}}, says: []string{"host.yaml:5", "ghost"}},
		{name: "model without a key", config: config{model: `{provider: openai, id: gpt-test}`}, says: []string{"host.yaml:3", "api_key"}},
		{name: "unknown store", args: []string{"--store", "mysql://x"}, says: []string{"--store", "sqlite://"}},
		{name: "missing file", args: []string{"--config", "nowhere.yaml"}, says: []string{"nowhere.yaml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.config)
			for _, p := range tt.put {
				s.put(t, p)
			}
			args := append([]string{"serve", "--config", "host.yaml", "--listen", "127.0.0.1:0"}, tt.args...)
			reply{body: []byte(s.refuses(t, args...))}.says(t, tt.says...)
		})
	}
}

// TestConfigCheck: everything that is wrong is said at once, with its line.
func TestConfigCheck(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{})
	s.write(t, "typos.yaml", []byte("listn: 127.0.0.1:1\nmodels:\n  default: {provider: openai, offline: ecko}\n"+
		"agents:\n  - id: agent\n    model: default\n    instruction: Be short.\n"))
	said := reply{body: []byte(s.refuses(t, "config", "check", "typos.yaml"))}
	said.says(t, "typos.yaml:1", "listn", "typos.yaml:3", "ecko", "typos.yaml:7", "instruction")
	good := s.spawn(t, "config", "check", "host.yaml")
	good.wait(t)
}
