package e2e

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestChangesUnderLoad: versions are swapped and bindings replaced while clients
// run the agent. Every run is made with one version or the other, or with none.
func TestChangesUnderLoad(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	var versions []plugin
	for _, word := range []string{"one", "two"} {
		v := newPlugin(t, "editor", "",
			hook{name: "input", point: "input", does: guesttest.Answers(rewrite(word))},
			hook{name: "output", point: "output", does: guesttest.Answers(allow)})
		v.version = fmt.Sprintf("%d.0.0", len(versions)+1)
		v.manifest = versionLine.ReplaceAllString(v.manifest, "version: "+v.version)
		p.install(t, v)
		versions = append(versions, v)
	}
	p.bind(t, "agent", binding{"plugin": "editor"})

	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for range 40 {
				checkSwapped(t, p)
			}
		})
	}
	for n := range 40 {
		p.activate(t, versions[n%2]).want(t, 200)
		switch n % 4 {
		case 1:
			p.bind(t, "agent")
		case 3:
			p.bind(t, "agent", binding{"plugin": "editor"})
		}
	}
	clients.Wait()
}

// checkSwapped makes one run and checks what its hooks left. It
// may be called outside the test's goroutine.
func checkSwapped(t *testing.T, p *process) {
	contentType, body := form{"message": "none", "stream": "false"}.urlencoded()
	r, err := p.send(t.Context(), "POST", "/agents/agent/runs", contentType, body)
	if err != nil || r.status != 200 {
		t.Errorf("status %d: %v: %s", r.status, err, r.body)
		return
	}
	var got run
	if err := json.Unmarshal(r.body, &got); err != nil {
		t.Error(err)
		return
	}
	if want := map[string]bool{"one": true, "two": true, "none": true}; got.Status != "COMPLETED" || !want[string(got.Content)] {
		t.Errorf("the run is %s with %q (%s)", got.Status, got.Content, got.ErrorID)
	}
}
