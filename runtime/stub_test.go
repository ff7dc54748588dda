package runtime_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// stub answers requests by method and URL with a status and a body.
type stub map[string]struct {
	status int
	body   string
}

func (s stub) Answer(method, url string) (int, []byte, bool) {
	answer, ok := s[method+" "+url]
	return answer.status, []byte(answer.body), ok
}

func TestStubsAnswerInsteadOfTheNetwork(t *testing.T) {
	t.Parallel()
	url := serve(t, func(r *http.Request) string {
		t.Errorf("a request to %s was sent", r.RequestURI)
		return ""
	})
	answers := stub{
		"GET " + url + "/body":           {0, "stubbed"},
		"POST " + url + "/created":       {201, ""},
		"POST " + url + "/failed":        {503, ""},
		"GET " + url + "/secret:TOKEN?a": {200, "no value"},
	}
	call := grantedTo(url)
	call.Services.HTTP = answers
	call.Input = []byte("body")
	m := load(t, runtime.Source{Exports: []string{"body"}, Wasm: guesttest.Module(t, map[string]guesttest.Hook{
		"body":    guesttest.Requests(requestWith(t, url+"/body", nil)),
		"secret":  guesttest.Requests(requestWith(t, url+"/secret:TOKEN?a", map[string]string{"X-Key": "secret:OTHER"})),
		"created": guesttest.Posts(url + "/created"), "failed": guesttest.Posts(url + "/failed"),
		"unknown": guesttest.Posts(url + "/unknown"), "other": guesttest.Posts("https://other.example/"),
	})})
	for export, want := range map[string]string{"body": "stubbed", "secret": "no value", "created": ""} {
		call.Export = export
		if got := string(succeed(t, m, call).Output); got != want {
			t.Errorf("%s: output %q, want %q", export, got, want)
		}
	}
	for export, want := range map[string]string{
		"failed": "returned 1", "unknown": "nothing is stubbed for POST " + url + "/unknown",
		"other": "https://other.example:443 are not granted",
	} {
		call.Export = export
		if _, err := m.Call(t.Context(), call); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", export, err, want)
		}
	}
	call.Export, call.HTTP = "body", nil
	_, err := m.Call(t.Context(), call)
	wantCode(t, err, host.CallRefused)
}
