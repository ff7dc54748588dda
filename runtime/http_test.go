package runtime_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// requestTo is what a guest asks Extism to send.
func requestTo(t *testing.T, method, url string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"method": method, "url": url, "headers": map[string]string{"X-Hook": "yes"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestGuestRequests(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Method+" "+r.URL.Path+" "+r.Header.Get("X-Hook"))
	}))
	t.Cleanup(server.Close)
	m := loadHook(t, guesttest.Requests(requestTo(t, "POST", server.URL+"/path")))
	granted := runtime.Call{HTTP: &runtime.HTTPGrant{Hosts: []string{server.URL}}}
	if got := string(succeed(t, m, granted).Output); got != "POST /path yes" {
		t.Errorf("the server answered %q", got)
	}
	for name, grant := range map[string]*runtime.HTTPGrant{
		"none": nil, "empty": {}, "other": {Hosts: []string{"https://example.com"}},
	} {
		_, err := m.Call(t.Context(), runtime.Call{Export: "hook", Timeout: plenty, HTTP: grant})
		if failure := wantCode(t, err, host.CallTrap); !strings.Contains(failure.Message, "not ") {
			t.Errorf("grant %s: message %q does not say why", name, failure.Message)
		}
	}
	_, err := m.Call(t.Context(), runtime.Call{Export: "hook", HTTP: &runtime.HTTPGrant{Hosts: []string{"ftp://a"}}})
	wantCode(t, err, host.CallUnavailable)
}

func TestGuestRequestEndsWithTheCall(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	m := loadHook(t, guesttest.Requests(requestTo(t, "GET", server.URL)))
	_, err := m.Call(t.Context(), runtime.Call{
		Export: "hook", Timeout: 100 * time.Millisecond, HTTP: &runtime.HTTPGrant{Hosts: []string{server.URL}},
	})
	wantCode(t, err, host.CallTimeout)
}
