package e2e

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// plugin is a plugin as an author holds it.
type plugin struct {
	name, version string
	manifest      string
	module        []byte
}

// hook is one hook of a plugin made for a test.
type hook struct {
	name, point string
	// fields are more lines of the manifest, such as "mode: background".
	fields []string
	does   guesttest.Hook
}

// newPlugin makes a plugin. more stands in the manifest as it is.
func newPlugin(t testing.TB, name string, more string, hooks ...hook) plugin {
	t.Helper()
	var manifest strings.Builder
	fmt.Fprintf(&manifest, "manifest_version: 1\nname: %s\nversion: 1.0.0\n%shooks:\n", name, more)
	exports := map[string]guesttest.Hook{}
	for _, h := range hooks {
		fmt.Fprintf(&manifest, "  - name: %s\n    point: %s\n    export: %s\n", h.name, h.point, h.name)
		for _, field := range h.fields {
			fmt.Fprintf(&manifest, "    %s\n", field)
		}
		exports[h.name] = h.does
	}
	return plugin{name, "1.0.0", manifest.String(), guesttest.Module(t, exports)}
}

// verdicts of test hooks.
const (
	allow = `{"decision":"allow"}`
	deny  = `{"decision":"deny","reason":"not_today","message":"Not today."}`
)

// rewrite is a transform of the content.
func rewrite(content string) string {
	return fmt.Sprintf(`{"decision":"transform","transform":{"path":"$target.content","value":%q}}`, content)
}

var versionLine = regexp.MustCompile(`(?m)^version: (\S+)$`)

// firstParty builds a plugin of this repository from its source.
func firstParty(t testing.TB, name string) plugin {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "plugins", name)
	manifest, err := os.ReadFile(filepath.Join(dir, "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	version := versionLine.FindStringSubmatch(string(manifest))
	if version == nil {
		t.Fatalf("the manifest of %s has no version", name)
	}
	p := plugin{name, version[1], string(manifest), guesttest.GoDir(t, dir)}
	compile(t, p)
	return p
}

// compiled are the plugins that the compile cache holds.
var compiled = struct {
	sync.Mutex
	names map[string]bool
}{names: map[string]bool{}}

// compile puts a plugin into the compile cache that all processes share.
func compile(t testing.TB, p plugin) {
	t.Helper()
	compiled.Lock()
	defer compiled.Unlock()
	if compiled.names[p.name] {
		return
	}
	binary, err := compiler()
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, config{})
	s.binary = binary
	host := s.start(t)
	host.upload(t, p).want(t, 201)
	host.stop(t)
	compiled.names[p.name] = true
}

// multipart is the plugin as an upload sends it.
func (p plugin) multipart(t testing.TB) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range []struct {
		field, file string
		data        []byte
	}{{"manifest", "plugin.yaml", []byte(p.manifest)}, {"module", "plugin.wasm", p.module}} {
		f, err := w.CreateFormFile(part.field, part.file)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = f.Write(part.data) // a Buffer takes everything
	}
	_ = w.Close()
	return w.FormDataContentType(), b.Bytes()
}

// upload sends a plugin.
func (c *client) upload(t testing.TB, p plugin) reply {
	t.Helper()
	contentType, body := p.multipart(t)
	return c.do(t, "POST", "/plugins", contentType, bytes.NewReader(body))
}

// activate activates a version with grants.
func (c *client) activate(t testing.TB, p plugin, grants ...string) reply {
	t.Helper()
	if grants == nil {
		grants = []string{}
	}
	return c.sendJSON(t, "POST", "/plugins/"+p.name+"/"+p.version+"/activate", map[string]any{"grant": grants})
}

// install uploads plugins that need no grants, and activates them.
func (c *client) install(t testing.TB, plugins ...plugin) {
	t.Helper()
	for _, p := range plugins {
		c.installWith(t, p)
	}
}

func (c *client) installWith(t testing.TB, p plugin, grants ...string) {
	t.Helper()
	c.upload(t, p).want(t, 201)
	c.activate(t, p, grants...).want(t, 200)
}

// binding is a binding as a client sends it.
type binding map[string]any

// bind replaces the bindings of an agent.
func (c *client) bind(t testing.TB, component string, bindings ...binding) {
	t.Helper()
	c.putHooks(t, home(component)+"/hooks", bindings...).want(t, 200)
}

func (c *client) putHooks(t testing.TB, path string, bindings ...binding) reply {
	t.Helper()
	if bindings == nil {
		bindings = []binding{}
	}
	return c.sendJSON(t, "PUT", path, map[string]any{"hooks": bindings})
}
