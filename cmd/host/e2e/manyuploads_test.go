package e2e

import (
	"bytes"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestManyUploadsAtOnce: of a thousand uploads of one version at the same time
// one stores it; the others find it there.
func TestManyUploadsAtOnce(t *testing.T) {
	t.Parallel()
	const uploads = 1000
	p := newSite(t, config{}).start(t)
	plug := newPlugin(t, "wanted", "", hook{name: "hook", point: "input", does: guesttest.Answers(allow)})
	contentType, body := plug.multipart(t)

	statuses := make(chan int, uploads)
	begin := make(chan struct{})
	var clients sync.WaitGroup
	for range uploads {
		clients.Go(func() {
			<-begin
			r, err := p.send(t.Context(), "POST", "/plugins", contentType, bytes.NewReader(body))
			if err != nil {
				t.Error(err)
			}
			statuses <- r.status
		})
	}
	close(begin)
	clients.Wait()
	close(statuses)
	got := map[int]int{}
	for status := range statuses {
		got[status]++
	}
	if diff := cmp.Diff(map[int]int{201: 1, 200: uploads - 1}, got); diff != "" {
		t.Errorf("answers by status (-want +got):\n%s", diff)
	}
	p.mustStaySmall(t, 1024)
	p.activate(t, plug).want(t, 200)
	p.bind(t, "agent", binding{"plugin": "wanted"})
	p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
}
