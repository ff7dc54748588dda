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
		want := "requests to " + server.URL + " are not granted"
		if grant == nil {
			want = "this call may not send requests: http is not granted"
		}
		if failure := wantCode(t, err, host.CallRefused); failure.Message != want {
			t.Errorf("grant %s: message %q, want %q", name, failure.Message, want)
		}
	}
	_, err := m.Call(t.Context(), runtime.Call{Export: "hook", HTTP: &runtime.HTTPGrant{Hosts: []string{"ftp://a"}}})
	wantCode(t, err, host.CallUnavailable)
}

// Nobody answers: that is no fault of the guest's code, nor a refusal.
func TestGuestRequestUnanswered(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	m := loadHook(t, guesttest.Requests(requestTo(t, "GET", server.URL)))
	_, err := m.Call(t.Context(), runtime.Call{
		Export: "hook", Timeout: plenty, HTTP: &runtime.HTTPGrant{Hosts: []string{server.URL}},
	})
	failure := wantCode(t, err, host.CallRequest)
	if !strings.HasPrefix(failure.Message, `Get "`+server.URL+`": dial tcp `) || strings.Contains(failure.Message, "wasm") {
		t.Errorf("message %q", failure.Message)
	}
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
