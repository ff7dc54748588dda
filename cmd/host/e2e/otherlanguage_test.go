package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var nameLine = regexp.MustCompile(`(?m)^name: (\S+)$`)

// committed is a plugin whose module lies beside its source, since not
// every machine has its compiler.
func committed(t testing.TB, path ...string) plugin {
	t.Helper()
	dir := filepath.Join(append([]string{"..", "..", ".."}, path...)...)
	read := func(file string) []byte {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	manifest := string(read("plugin.yaml"))
	name, version := nameLine.FindStringSubmatch(manifest), versionLine.FindStringSubmatch(manifest)
	if name == nil || version == nil {
		t.Fatalf("the manifest in %s lacks a name or a version", dir)
	}
	p := plugin{name[1], version[1], manifest, read("plugin.wasm")}
	compile(t, p)
	return p
}

// otherLanguages are plugins written without our SDK, and what comes of a run
// that is bound to them.
var otherLanguages = []struct {
	language string
	path     []string // below the repository
	config   map[string]any
	message  string
	content  string // of the run
	// errorType and reason are those of a refusal.
	errorType, reason string
	hook              string // the summary of its call
}{
	{
		language: "C", path: []string{"plugins", "length-limit"},
		config:  map[string]any{"max_length": 40},
		message: "This is longer than forty characters, which is too long.",
		content: "The input has 56 characters; at most 40 are allowed.", errorType: "input_check_error", reason: "input_not_allowed",
		hook: "length-limit.check blocking completed denied",
	},
	{
		language: "AssemblyScript", path: []string{"examples", "other-languages", "assemblyscript"},
		config:  map[string]any{"words": []string{"Project Aurora"}},
		message: "What is project aurora?",
		content: "The input contains a word that is not allowed here.", errorType: "input_check_error", reason: "blocked_word",
		hook: "blocked-words.check blocking completed denied blocked_word",
	},
	{
		language: "Rust", path: []string{"examples", "other-languages", "rust"},
		config:  map[string]any{"text": "Written by a machine."},
		message: "What is a hook?",
		content: "What is a hook?\n\nWritten by a machine.",
		hook:    "disclaimer.append blocking completed transformed",
	},
}

// TestOtherLanguages: a C program that reads stdin, and hooks built with the
// stock Rust and AssemblyScript kits, act on runs.
func TestOtherLanguages(t *testing.T) {
	t.Parallel()
	for _, tt := range otherLanguages {
		t.Run(tt.language, func(t *testing.T) {
			t.Parallel()
			plug := committed(t, tt.path...)
			p := newSite(t, config{}).start(t)
			p.upload(t, plug).want(t, 201)
			p.activate(t, plug).want(t, 200)
			p.putHooks(t, "/agents/agent/hooks", binding{"plugin": plug.name}).want(t, 422).says(t, "hooks[0].config")
			p.bind(t, "agent", binding{"plugin": plug.name, "config": tt.config})

			done := p.run(t, "agent", form{"message": tt.message, "session_id": "s"})
			status := map[bool]string{true: "COMPLETED", false: "ERROR"}[tt.reason == ""]
			got := []string{done.Status, string(done.Content), done.ErrorType, done.ErrorID}
			if diff := cmp.Diff([]string{status, tt.content, tt.errorType, tt.reason}, got); diff != "" {
				t.Errorf("the run (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.hook}, summaries(p.hooks(t, done.RunID))); diff != "" {
				t.Errorf("hook calls (-want +got):\n%s", diff)
			}
			if read := p.read(t, done); string(read.Content) != tt.content {
				t.Errorf("the run read back says %q", read.Content)
			}
		})
	}
}

// TestOtherLanguagesFromDirectory: the same plugins lie in plugins.dir; an input
// none of them minds passes them all.
func TestOtherLanguagesFromDirectory(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{
		agents: []string{`{id: agent, model: default, hooks: [
      {plugin: length-limit, config: {max_length: 40}},
      {plugin: blocked-words, config: {words: [Project Aurora]}},
      {plugin: disclaimer, config: {text: Written by a machine.}}]}`},
		more: "plugins: {dir: plugins}\n",
	})
	for _, tt := range otherLanguages {
		s.put(t, committed(t, tt.path...))
	}
	p := s.start(t)
	done := p.run(t, "agent", form{"message": "What is a hook?"}).must(t, "What is a hook?\n\nWritten by a machine.")
	want := []string{
		"length-limit.check blocking completed allowed",
		"blocked-words.check blocking completed allowed",
		"disclaimer.append blocking completed transformed",
	}
	if diff := cmp.Diff(want, summaries(p.hooks(t, done.RunID))); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
}
