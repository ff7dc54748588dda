package plugin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

func TestInstall(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := newRegistry(t, plugin.Config{Now: func() time.Time { return at }})
	manifest, module := manifestOf("a", "1.0.0", "tests: [{hook: run, context: {input: {content: hi}}, want: {}}]\n"), answering(t, allow)
	got, err := r.Install(t.Context(), manifest, module)
	if err != nil {
		t.Fatal(err)
	}
	p := got.Plugin
	if !got.Created || p.Active || p.Grants != nil || p.ModuleSize != int64(len(module)) || !p.CreatedAt.Equal(at) {
		t.Errorf("installed %+v", got)
	}
	if len(p.Digest) != len("sha256:")+64 || !strings.HasPrefix(p.Digest, "sha256:") {
		t.Errorf("digest is %s", p.Digest)
	}
	if p.Tests != host.TestsPassed {
		t.Errorf("tests are %s", p.Tests)
	}
	if diff := cmp.Diff([]host.Plugin{p}, r.Plugins()); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
}

// The same plugin is the same however its manifest is written.
func TestInstallAgain(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	module := answering(t, "{}")
	first := install(t, r, manifestOf("a", "1.0.0", ""), module)
	written := `{"version":"1.0.0","name":"a","abi":"extism","manifest_version":1,
		"hooks":[{"name":"run","export":"run","point":"input"}]}`
	again, err := r.Install(t.Context(), []byte(written), module)
	if err != nil {
		t.Fatal(err)
	}
	if again.Created {
		t.Error("installed twice")
	}
	if diff := cmp.Diff(first, again.Plugin); diff != "" {
		t.Errorf("plugin (-first +again):\n%s", diff)
	}
}

func TestInstallRefusesOtherBytesUnderOneVersion(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	first := install(t, r, manifestOf("a", "1.0.0", ""), answering(t, "1"))
	_, err := r.Install(t.Context(), manifestOf("a", "1.0.0", ""), answering(t, "2"))
	if host.CodeOf(err) != host.CodeConflict {
		t.Errorf("other module: error is %v", err)
	}
	_, err = r.Install(t.Context(), manifestOf("a", "1.0.0", "description: other\n"), answering(t, "1"))
	if host.CodeOf(err) != host.CodeConflict {
		t.Errorf("other manifest: error is %v", err)
	}
	if diff := cmp.Diff([]host.Plugin{first}, r.Plugins()); diff != "" {
		t.Errorf("plugins (-want +got):\n%s", diff)
	}
}

// A refusal says what is wrong with the manifest and the module at once.
func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	module := guesttest.Module(t, map[string]guesttest.Hook{"run": guesttest.TakesParameter()})
	two := "  - {point: output, export: other}\n"
	for _, tc := range []struct {
		name             string
		manifest, module []byte
		field            string
		want             []string
	}{
		{"both", manifestOf("A", "1.0.0", two+"typo: 1\n"), module, "manifest", []string{
			"line 2: name: must match", "line 7: typo: unknown key", "module.exports[run]: ", "module.exports[other]: ",
		}},
		{"module", manifestOf("a", "1.0.0", ""), module, "module", []string{"module.exports[run]: "}},
		{"no module", manifestOf("a", "1.0.0", ""), nil, "module", []string{"module: "}},
		{"not Wasm", manifestOf("a", "1.0.0", ""), []byte("hello"), "module", []string{"module: "}},
		{"truncated", manifestOf("a", "1.0.0", ""), module[:len(module)/2], "module", []string{"module: "}},
		{"unknown import", manifestOf("a", "1.0.0", ""), importing(t), "module", []string{"module.imports[env.magic]: "}},
		{"unknown ABI once", manifestOf("a", "1.0.0", "abi: wasm\n"), module, "manifest", []string{"line 6: abi: "}},
		{"no manifest", nil, answering(t, "{}"), "manifest", []string{"line 1: is empty"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, plugin.Config{})
			_, err := r.Install(t.Context(), tc.manifest, tc.module)
			got := refused(t, err, host.CodeInvalid, tc.field)
			if !samePrefixes(tc.want, got) {
				t.Errorf("problems (-want +got):\n%s", cmp.Diff(tc.want, got))
			}
			if plugins := r.Plugins(); len(plugins) > 0 {
				t.Errorf("stored %v", plugins)
			}
		})
	}
}

func samePrefixes(want, got []string) bool {
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			return false
		}
	}
	return true
}

// importing makes a module that imports what no host has.
func importing(t *testing.T) []byte {
	t.Helper()
	return guesttest.WAT(t, `(module (import "env" "magic" (func)) (func (export "run") (result i32) (i32.const 0)))`)
}

func TestInstallIsBounded(t *testing.T) {
	t.Parallel()
	module := answering(t, "{}")
	r := newRegistry(t, plugin.Config{MaxModuleBytes: int64(len(module)) - 1})
	_, err := r.Install(t.Context(), manifestOf("a", "1.0.0", ""), module)
	refused(t, err, host.CodeTooLarge, "module")
	_, err = r.Install(t.Context(), make([]byte, plugin.MaxManifestBytes+1), nil)
	refused(t, err, host.CodeTooLarge, "manifest")
}

func TestVersions(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, plugin.Config{})
	var want []string
	for i := range 3 {
		version := fmt.Sprintf("1.0.%d", 2-i)
		install(t, r, manifestOf("a", version, ""), answering(t, "{}"))
		want = append(want, version)
	}
	install(t, r, manifestOf("b", "1.0.0", ""), answering(t, "{}"))
	versions, err := r.Versions("a")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range versions {
		got = append(got, p.Version)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if _, err := r.Versions("c"); host.CodeOf(err) != host.CodeNotFound {
		t.Errorf("versions of an unknown plugin: %v", err)
	}
	if p, err := r.Plugin("a", "1.0.1"); err != nil || p.Version != "1.0.1" {
		t.Errorf("one version: %+v, %v", p, err)
	}
	for _, of := range [][2]string{{"a", "2.0.0"}, {"c", "1.0.0"}} {
		if _, err := r.Plugin(of[0], of[1]); host.CodeOf(err) != host.CodeNotFound {
			t.Errorf("plugin %v: %v", of, err)
		}
	}
}
