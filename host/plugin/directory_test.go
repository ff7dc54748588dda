package plugin_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestLoadDir(t *testing.T) {
	t.Parallel()
	store, dir := newStore(t), t.TempDir()
	grants := map[string][]pluginapi.Permission{"a": {pluginapi.PermissionHTTP}}
	writePlugin(t, dir, "a", manifestOf("a", "1.2.0", httpPermission), answering(t, "1"))
	writePlugin(t, dir, "b", manifestOf("b", "1.0.0+x", ""), answering(t, "1"))
	if err := os.WriteFile(filepath.Join(dir, "README.md"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	load := func() *plugin.Registry {
		r := newRegistry(t, plugin.Config{Store: store})
		if err := r.LoadDir(t.Context(), dir, grants); err != nil {
			t.Fatal(err)
		}
		return r
	}
	load()
	if diff := cmp.Diff([]string{"a 1.2.0 active", "b 1.0.0+x active"}, status(load())); diff != "" {
		t.Errorf("the same again (-want +got):\n%s", diff)
	}
	writePlugin(t, dir, "a", manifestOf("a", "1.2.0", httpPermission), answering(t, "2"))
	writePlugin(t, dir, "b", manifestOf("b", "1.0.0+x", ""), answering(t, "2"))
	load()
	r := load()
	a, b := built(t, r, "a"), built(t, r, "b")
	want := []string{"a 1.2.0", "a " + a + " active", "b 1.0.0+x", "b " + b + " active"}
	if diff := cmp.Diff(want, status(r)); diff != "" {
		t.Errorf("changed bytes (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(a, "1.2.0+") || len(a) != len("1.2.0+")+8 || !strings.HasPrefix(b, "1.0.0+x.") {
		t.Errorf("versions are %s and %s", a, b)
	}
}

// What the store knows stays as the operator left it.
func TestLoadDirRespectsTheOperator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRegistry(t, plugin.Config{})
	install(t, r, manifestOf("a", "1.0.0", httpPermission), answering(t, "1"))
	activate(t, r, manifestOf("a", "1.1.0", ""), answering(t, "1"))
	writePlugin(t, dir, "a", manifestOf("a", "1.0.0", httpPermission), answering(t, "1"))
	if err := r.LoadDir(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a 1.0.0", "a 1.1.0 active"}, status(r)); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
}

// A host may die between the two, or start beside another one that has not come to
// the second.
func TestLoadDirActivatesWhatIsOnlyInstalled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRegistry(t, plugin.Config{})
	activate(t, r, manifestOf("a", "1.0.0", ""), answering(t, "1"))
	for _, name := range []string{"a", "b"} {
		install(t, r, manifestOf(name, "1.1.0", ""), answering(t, "1"))
		writePlugin(t, dir, name, manifestOf(name, "1.1.0", ""), answering(t, "1"))
	}
	want := []string{"a 1.0.0", "a 1.1.0 active", "b 1.1.0 active"}
	for _, when := range []string{"at first", "again"} {
		if err := r.LoadDir(t.Context(), dir, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, status(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
	if _, err := r.Deactivate(t.Context(), "b", "1.1.0", true); err != nil {
		t.Fatal(err)
	}
	if err := r.LoadDir(t.Context(), dir, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a 1.0.0", "a 1.1.0 active", "b 1.1.0"}, status(r)); diff != "" {
		t.Errorf("after the operator (-want +got):\n%s", diff)
	}
}

func TestLoadDirRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writePlugin(t, dir, "good", manifestOf("good", "1.0.0", ""), answering(t, "1"))
	writePlugin(t, dir, "refused", manifestOf("refused", "1", ""), answering(t, "1"))
	writePlugin(t, dir, "greedy", manifestOf("greedy", "1.0.0", httpPermission), answering(t, "1"))
	writePlugin(t, dir, "other", manifestOf("misnamed", "1.0.0", ""), answering(t, "1"))
	writePlugin(t, dir, "lacking", manifestOf("lacking", "1.0.0", ""), answering(t, "1"))
	writePlugin(t, dir, "unfit", manifestOf("unfit", "1.0.0", "config_schema: {type: object, required: [most]}\n"), answering(t, "1"))
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	r := newRegistry(t, plugin.Config{ConfigBindings: map[host.BindingScope][]host.Binding{
		host.HostWide: {{Plugin: "lacking"}, {Plugin: "lacking", Hook: "gone"}, {Plugin: "unfit"}},
	}})
	err := r.LoadDir(t.Context(), dir, nil)
	for _, want := range []string{
		"load plugin empty: open ", "plugin.yaml",
		"load plugin refused: the plugin is refused; line 3: version: must be",
		"load plugin greedy: the plugin greedy 1.0.0 asks for permissions", "posts the notification",
		`load plugin other: the plugin is called "misnamed"`,
		"load plugin lacking: the plugin lacking 1.0.0 lacks what is in use; its hooks are run, its tools none; hooks[1]: the hook gone, bound in the configuration",
		"load plugin unfit: bindings do not fit the plugin unfit 1.0.0; hooks[2].config: missing property 'most'",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
	if diff := cmp.Diff([]string{"good 1.0.0 active"}, status(r)); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
	grants := map[string][]pluginapi.Permission{"nobody": {pluginapi.PermissionKV}}
	if err := r.LoadDir(t.Context(), t.TempDir(), grants); err == nil || !strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("a grant for a plugin that is not there: %v", err)
	}
	if err := r.LoadDir(t.Context(), filepath.Join(dir, "missing"), nil); err == nil {
		t.Error("a missing directory is no error")
	}
}

func writePlugin(t *testing.T, dir, name string, manifest, module []byte) {
	t.Helper()
	folder := filepath.Join(dir, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for file, data := range map[string][]byte{"plugin.yaml": manifest, "plugin.wasm": module} {
		if err := os.WriteFile(filepath.Join(folder, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// status lists the plugins.
func status(r *plugin.Registry) []string {
	var lines []string
	for _, p := range r.Plugins() {
		line := p.Name + " " + p.Version
		if p.Active {
			line += " active"
		}
		lines = append(lines, line)
	}
	return lines
}

// built returns the active version of a plugin.
func built(t *testing.T, r *plugin.Registry, name string) string {
	t.Helper()
	versions, err := r.Versions(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range versions {
		if p.Active {
			return p.Version
		}
	}
	t.Fatalf("no version of %s is active", name)
	return ""
}
