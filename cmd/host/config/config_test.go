package config

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
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// env looks variables up in a map.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

const full = `# everything at once
listen: 127.0.0.1:8080
store: sqlite://data/snap.db
run_hooks_in_background: true
cache_dir: /var/cache/snap
cors_origins: ["http://localhost:3000"]
models:
  default: {provider: openai, api: chat, id: gpt-5.2, api_key: ${KEY}, offline: echo}
  local:
    provider: openai
    id: llama
    base_url: http://127.0.0.1:11434/v1
    temperature: 0
    max_completion_tokens: 100
    timeout: 30s
    max_retries: 0
  thinker: {provider: openai, api: responses, id: o3, api_key: sk-1, max_retries: 10}
  parrot: {provider: echo}
agents:
  - id: first
    name: First
    description: does things
    role: helper
    instructions: Be kind to ${WHO}, pay $5 or $${PRICE}.
    markdown: true
    model: default
    require_hooks: true
    store_refused_input: true
    num_history_runs: 5
    hooks:
      - {plugin: request-log}
      - plugin: notifier
        hook: notify
        mode: background
        timeout: 10s
        on_error: allow
        config: {url: "https://${WHO}.example", list: [1, 2.5, true, null, -3], deep: {a: b}}
  - id: second
    model: parrot
    instructions: [one, two]
    add_history_to_context: false
  - {id: third, model: local}
hooks:
  - {plugin: audit, top_level: true, nested: true}
plugins:
  dir: plugins
  grants: {notifier: [http, kv, session_state, secrets], audit: []}
`

func TestFull(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "plugins"), 0o750); err != nil {
		t.Fatal(err)
	}
	c, err := parse([]byte(full), dir, Options{LookupEnv: env(map[string]string{"WHO": "bob"})})
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Listen: "127.0.0.1:8080", Store: Store{SQLite: filepath.Join(dir, "data/snap.db")},
		CORSOrigins: []string{"http://localhost:3000"}, RunHooksInBackground: true,
		OfflineModels: []string{"default"}, CacheDir: "/var/cache/snap",
		Retention: defaultRetention, Background: defaultBackground,
		Agents: []host.Agent{{
			ID: "first", Name: "First", Description: "does things", Role: "helper",
			Instructions: []string{"Be kind to bob, pay $5 or ${PRICE}."}, Markdown: true, Model: "default",
			RequireHooks: true, StoreRefusedInput: true, HistoryRuns: 5,
			Hooks: []host.Binding{{Plugin: "request-log", Source: host.SourceConfig}, {
				Plugin: "notifier", Hook: "notify", Mode: pluginapi.ModeBackground, OnError: pluginapi.OnErrorAllow,
				Timeout: pluginapi.Duration(10 * time.Second), Source: host.SourceConfig,
				Config: json.RawMessage(`{"deep":{"a":"b"},"list":[1,2.5,true,null,-3],"url":"https://bob.example"}`),
			}},
		}, {
			ID: "second", Name: "second", Model: "parrot", Instructions: []string{"one", "two"},
			HistoryRuns: DefaultHistoryRuns, HistoryOnRequest: true,
		}, {
			ID: "third", Name: "third", Model: "local", HistoryRuns: DefaultHistoryRuns,
		}},
		Hooks: []host.Binding{{Plugin: "audit", TopLevel: true, Nested: true, Source: host.SourceConfig}},
		Plugins: Plugins{Dir: filepath.Join(dir, "plugins"), Grants: map[string][]pluginapi.Permission{
			"notifier": {
				pluginapi.PermissionHTTP, pluginapi.PermissionKV, pluginapi.PermissionSessionState, pluginapi.PermissionSecrets,
			},
			"audit": {},
		}},
	}
	infos := map[string]model.Info{}
	for name, m := range c.Models {
		infos[name] = m.Info()
	}
	c.Models = nil
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	wantInfos := map[string]model.Info{
		"default": {ID: "echo", Name: "Echo", Provider: "Snaphook", Schemas: true},
		"local":   {ID: "llama", Name: "OpenAIChat", Provider: "OpenAI", Schemas: true},
		"parrot":  {ID: "echo", Name: "Echo", Provider: "Snaphook", Schemas: true},
		"thinker": {ID: "o3", Name: "OpenAIResponses", Provider: "OpenAI", Schemas: true},
	}
	if diff := cmp.Diff(wantInfos, infos); diff != "" {
		t.Errorf("models (-want +got):\n%s", diff)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte("{}"), "/etc/snaphook", Options{LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Listen: "127.0.0.1:7777", Store: Store{SQLite: "/etc/snaphook/snaphook.db"}, Models: map[string]model.Model{},
		Retention: defaultRetention, Background: defaultBackground,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestOfflineOnlyWithoutAServer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, model string
		vars        map[string]string
		wantModel   string
		wantOffline []string
	}{
		{"no key", `api_key: ${KEY}`, nil, "echo", []string{"m"}},
		{"empty key", `api_key: ${KEY}`, map[string]string{"KEY": ""}, "echo", []string{"m"}},
		{"no key at all", `timeout: 1s`, nil, "echo", []string{"m"}},
		{"key", `api_key: ${KEY}`, map[string]string{"KEY": "sk-1"}, "gpt", nil},
		{"address", `base_url: "http://localhost:1234/v1"`, nil, "gpt", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			text := "models: {m: {provider: openai, id: gpt, offline: echo, " + test.model + "}}"
			c, err := parse([]byte(text), "/", Options{LookupEnv: env(test.vars)})
			if err != nil {
				t.Fatal(err)
			}
			if got := c.Models["m"].Info().ID; got != test.wantModel {
				t.Errorf("model = %s, want %s", got, test.wantModel)
			}
			if diff := cmp.Diff(test.wantOffline, c.OfflineModels); diff != "" {
				t.Errorf("offline models (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOverridesWin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "host.yaml")
	text := "listen: 127.0.0.1:1\nstore: sqlite://a.db\nplugins: {dir: missing}\ncors_origins: [\"http://a\"]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	listen, store, yes := "0.0.0.0:2", "sqlite://b/c.db", true
	c, err := Load(file, Options{LookupEnv: env(nil), Overrides: Overrides{
		Listen: &listen, Store: &store, Insecure: &yes, RunHooksInBackground: &yes,
		PluginsDir: &dir, CacheDir: &dir, CORSOrigins: []string{"https://b:1"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Listen: "0.0.0.0:2", Insecure: true, Store: Store{SQLite: "b/c.db"}, CORSOrigins: []string{"https://b:1"},
		RunHooksInBackground: true, Models: map[string]model.Model{}, Plugins: Plugins{Dir: dir}, CacheDir: dir,
		Retention: defaultRetention, Background: defaultBackground,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Load(filepath.Join(dir, "none.yaml"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v, want os.ErrNotExist", err)
	}
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, []byte(strings.Repeat("#", MaxBytes+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large, Options{}); err == nil || !strings.Contains(err.Error(), "larger than 256 KiB") {
		t.Errorf("error = %v, want one about the size", err)
	}
}
