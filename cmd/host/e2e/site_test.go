package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// site is a directory with a configuration and a database. Processes are
// started on it one after another; on PostgreSQL also next to one another.
type site struct {
	dir string
	// store is the URL of a PostgreSQL database; "" when the database is a file in dir.
	store string
	// binary is what is started, the binary under test by default.
	binary string
}

// config is what a test wants in host.yaml.
type config struct {
	// store is the URL of a PostgreSQL database; a file of the site by default.
	store string
	// model is the default model's fields; an echo by default.
	model string
	// agents are ids, or mappings for agents that need more than an id; one
	// agent with the id "agent" by default.
	agents []string
	// more stands at the top level as it is.
	more string
}

const echo = `{provider: openai, id: echo-1, offline: echo}`

// openai is a model behind a server of the test.
func openai(baseURL string) string {
	return fmt.Sprintf(`{provider: openai, api: chat, id: gpt-test, base_url: %q, api_key: test-key}`, baseURL)
}

func (c config) yaml() string {
	if c.model == "" {
		c.model = echo
	}
	if c.agents == nil {
		c.agents = []string{"agent"}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "store: %q\nmodels:\n  default: %s\nagents:\n", cmp.Or(c.store, "sqlite://snaphook.db"), c.model)
	for _, agent := range c.agents {
		if !strings.HasPrefix(agent, "{") {
			agent = fmt.Sprintf("{id: %s, name: The %s, model: default}", agent, agent)
		}
		fmt.Fprintf(&b, "  - %s\n", agent)
	}
	return b.String() + c.more
}

func newSite(t testing.TB, c config) *site {
	t.Helper()
	if err := visitSources(); err != nil {
		t.Fatal(err)
	}
	s := &site{dir: t.TempDir(), store: c.store, binary: snaphook}
	s.write(t, "host.yaml", []byte(c.yaml()))
	return s
}

// write puts a file into the site's directory.
func (s *site) write(t testing.TB, name string, data []byte) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// files returns the bytes of every file the host has written: the database, its
// log and its index.
func (s *site) files(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.dir, "snaphook.db*"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) { // the last connection deletes the log
			t.Fatal(err)
		}
		files[filepath.Base(path)] = data
	}
	return files
}

// holds reports whether a file of the database, or a row of PostgreSQL, holds the
// text. Texts must be the same in JSON, or the search would prove nothing.
func (s *site) holds(t testing.TB, text string) bool {
	t.Helper()
	if s.store != "" {
		return s.database(t).holds(t, text)
	}
	for _, data := range s.files(t) {
		if bytes.Contains(data, []byte(text)) {
			return true
		}
	}
	return false
}
