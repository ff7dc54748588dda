package e2e

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// examplePlugins are what the examples call and grant; withoutPlugins are those that
// have none.
var (
	examplePlugins = []string{"request-log", "notifier", "output-judge"}
	withoutPlugins = []string{"background-run-structured", "background-run-team"}
)

// TestExampleScripts runs the script of each example as a person would, with the
// plugins built here. A script checks itself; what is asked for here is that it
// shows what the example is about.
func TestExampleScripts(t *testing.T) {
	t.Parallel()
	shown := map[string][]string{
		"background-hooks": {
			`agent="BackgroundTaskAgent"`, "run_id=", "content_length=15", "Notification sent!",
		},
		"background-hooks-team": {
			"== ContentTeam, run ", "== Researcher, run ", "== Writer, run ",
			`agent="ContentTeam"`, `agent="Researcher"`, `agent="Writer"`,
			"content_length=71", "content_length=101", "Notification sent!",
		},
		"background-hooks-workflow": {
			"== Step analyze: Analyzer, run ", "== Step summarize: Summarizer, run ",
			"request-log.response at output, background: completed",
			`agent="Analyzer"`, `agent="Summarizer"`, "content_length=79", "content_length=44",
		},
		"background-run-structured": {
			"Status: PENDING", "Status: RUNNING", "Status: COMPLETED",
			"City: Nairobi", "Country: Kenya", "Population: 4800000", "Fun fact: ",
			"Question: In which year did the Berlin Wall fall?", "Answer: Nile",
		},
		"background-run-team": {
			"Status: PENDING", "Status: RUNNING", "Status: COMPLETED", "Status: CANCELLED",
			"Researcher: Facts: ", "Writer: Report: ", "Content: Report: ",
		},
		"output-evaluation": {
			"Run: ", "Score: 10\nPassed: true\nReason: The answer names the number of legs.",
			"Score: 2\nPassed: false\nReason: The answer names no number.",
		},
	}
	scripts, err := filepath.Glob(filepath.Join("..", "..", "..", "examples", "*", "run.sh"))
	if err != nil {
		t.Fatal(err)
	}
	if len(scripts) != len(shown) {
		t.Errorf("there are %d scripts, %d are known here", len(scripts), len(shown))
	}
	for _, script := range scripts {
		name := filepath.Base(filepath.Dir(script))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugins := examplePlugins
			if slices.Contains(withoutPlugins, name) {
				plugins = nil
			}
			printed := runScript(t, script, plugins...)
			for _, text := range append(shown[name], "\nOK\n") {
				if !strings.Contains(printed, text) {
					t.Errorf("the script does not show %q:\n%s", text, printed)
				}
			}
		})
	}
}

// runScript runs a script on the binary under test and returns what it printed.
func runScript(t *testing.T, script string, plugins ...string) string {
	t.Helper()
	s := newSite(t, config{})
	cmd := exec.CommandContext(t.Context(), "bash", script)
	cmd.Env = append(environment(), "SNAPHOOK="+snaphook,
		"XDG_CACHE_HOME="+guesttest.CacheDir(t), "HOME="+s.dir, "TMPDIR="+t.TempDir())
	if len(plugins) > 0 {
		cmd.Env = append(cmd.Env, "SNAPHOOK_PLUGINS_DIR="+filepath.Join(s.dir, "plugins"))
	}
	for _, name := range plugins {
		s.put(t, firstParty(t, name))
	}
	printed, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, printed)
	}
	return string(printed)
}
