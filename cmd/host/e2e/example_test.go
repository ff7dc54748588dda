package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestBackgroundHooksExample runs both configurations of the example as a new
// user does, with the plugins built here.
func TestBackgroundHooksExample(t *testing.T) {
	t.Parallel()
	for file, response := range map[string]string{"host.yaml": "blocking", "host-global.yaml": "background"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config{})
			s.copy(t, filepath.Join("..", "..", "..", "examples", "background-hooks", file), "host.yaml")
			for _, name := range []string{"pii-guard", "request-log", "analytics", "notifier", "output-judge"} {
				s.put(t, firstParty(t, name))
			}
			p := s.start(t, "--plugins-dir", "plugins", "--store", "sqlite://snaphook.db")
			if printed := p.output.String(); !strings.Contains(printed, "offline") || !strings.Contains(printed, "curl ") {
				t.Errorf("the host does not say that it is offline, and how to try it: %s", printed)
			}
			done := p.run(t, "background-task-agent", form{"message": "What is Go?", "session_id": "s"}).must(t, "What is Go?")
			calls := p.settled(t, done.RunID)
			want := []string{
				"request-log.request background completed allowed",
				"request-log.response " + response + " completed allowed",
				"notifier.notify background completed allowed",
			}
			if diff := cmp.Diff(want, summaries(calls)); diff != "" {
				t.Errorf("hook calls (-want +got):\n%s", diff)
			}
			request, last := find(t, calls, "request-log.request"), find(t, calls, "notifier.notify")
			if !request.logged(`agent="BackgroundTaskAgent"`) || !request.logged("What is Go?") {
				t.Errorf("the request hook logged %v", request.Logs)
			}
			if told := find(t, calls, "request-log.response"); !told.logged(done.RunID) || !told.logged(`session_id="s"`) {
				t.Errorf("the response hook logged %v", told.Logs)
			}
			if !last.logged("Notification sent!") || !strings.Contains(p.output.String(), "Notification sent!") {
				t.Errorf("the notifier logged %v", last.Logs)
			}
		})
	}
}

// copy puts a file of the repository into the site's directory.
func (s *site) copy(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, to, data)
}

// TestInsecure: an address others can reach is served when the operator says so.
func TestInsecure(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t, "--listen", "0.0.0.0:0", "--insecure")
	p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
}
