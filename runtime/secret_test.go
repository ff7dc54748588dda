package runtime_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/runtime"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// secrets is a host.Secrets.
type secrets map[string]string

func (s secrets) Secret(name string) (string, bool) {
	value, ok := s[name]
	return value, ok
}

func (s secrets) Names() []string { return slices.Collect(maps.Keys(s)) }

const (
	token   = `t0ken&"<é>/%`
	webhook = "T00/B00/x?y"
)

var operator = secrets{"TOKEN": token, "TOKEN_2": token + "2", "WEBHOOK": webhook, "EMPTY": ""}

// requestWith is what a guest asks Extism to send.
func requestWith(t *testing.T, url string, headers map[string]string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"url": url, "headers": headers})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// serve starts a server that answers with what say makes of a request.
func serve(t *testing.T, say func(r *http.Request) string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, say(r))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// grantedTo is a call that may send requests to a URL, with the secrets.
func grantedTo(url string) runtime.Call {
	return runtime.Call{
		Export: "hook", Timeout: plenty,
		HTTP: &runtime.HTTPGrant{Hosts: []string{url}}, Services: host.Services{Secrets: operator},
	}
}

func TestSecretsAreSent(t *testing.T) {
	t.Parallel()
	type sent struct{ Header, URI, Path, Key, Other, Body string }
	var got []sent
	url := serve(t, func(r *http.Request) string {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got = append(got, sent{
			r.Header.Get("Authorization"), r.RequestURI, r.URL.Path,
			r.URL.Query().Get("key"), r.URL.Query().Get("other"), string(body),
		})
		return ""
	})
	for _, hook := range []guesttest.Hook{
		guesttest.Requests(requestWith(t, url+"/a%2Fb/secret:WEBHOOK/c?key=secret:TOKEN&other=secret%3ATOKEN",
			map[string]string{"Authorization": "Bearer secret:TOKEN_2."})),
		guesttest.Posts(url + "/plain?q=secrets:TOKEN"),
	} {
		call := grantedTo(url)
		call.Input = []byte("secret:TOKEN")
		succeed(t, loadHook(t, hook), call)
	}
	want := []sent{
		{
			"Bearer " + token + "2.", "/a%2Fb/T00/B00/x%3Fy/c?key=t0ken%26%22%3C%C3%A9%3E%2F%25&other=secret%3ATOKEN",
			"/a/b/" + webhook + "/c", token, "secret:TOKEN", "",
		},
		{"", "/plain?q=secrets:TOKEN", "/plain", "", "", "secret:TOKEN"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the server got (-want +got):\n%s", diff)
	}
}

// A server may send a secret back, in one spelling or another.
func TestSecretsAreHidden(t *testing.T) {
	t.Parallel()
	url := serve(t, func(r *http.Request) string {
		quoted, err := json.Marshal(r.Header.Get("Authorization"))
		if err != nil {
			t.Error(err)
		}
		return r.Header.Get("Authorization") + " " + string(quoted) + " " + r.RequestURI
	})
	request := requestWith(t, url+"/secret:WEBHOOK?secret:TOKEN", map[string]string{"Authorization": "secret:TOKEN_2"})
	const want = `[secret:TOKEN_2] "[secret:TOKEN_2]" /[secret:WEBHOOK]?[secret:TOKEN]`
	m := load(t, runtime.Source{Exports: []string{"hook"}, Wasm: guesttest.Module(t, map[string]guesttest.Hook{
		"hook": guesttest.Requests(request), "logs": guesttest.LogsResponse(request), "fails": guesttest.FailsWithResponse(request),
	})})
	call := grantedTo(url)
	if got := string(succeed(t, m, call).Output); got != want {
		t.Errorf("output %s, want %s", got, want)
	}
	call.Export = "logs"
	if got := messages(succeed(t, m, call).Logs); len(got) != 1 || got[0] != want {
		t.Errorf("logged %s, want %s", got, want)
	}
	call.Export = "fails"
	_, err := m.Call(t.Context(), call)
	if failure := wantCode(t, err, host.CallFailed); failure.Message != want {
		t.Errorf("error %s, want %s", failure.Message, want)
	}
}

// The bounds of a line must not split a secret and show its first half.
func TestSecretsAreHiddenBeforeTextIsCut(t *testing.T) {
	t.Parallel()
	before := strings.Repeat("x", 1010)
	m := load(t, runtime.Source{Exports: []string{"prints"}, Wasm: guesttest.Module(t, map[string]guesttest.Hook{
		"prints": guesttest.Prints(1, before+webhook+webhook), "logs": guesttest.Logs("info", before+webhook),
		"fails": guesttest.Fails(before + before + webhook + webhook),
	})})
	for _, export := range []string{"prints", "logs", "fails"} {
		result, err := m.Call(t.Context(), runtime.Call{Export: export, Timeout: plenty, Services: host.Services{Secrets: operator}})
		shown := strings.Join(messages(result.Logs), "")
		if err != nil {
			shown = err.Error()
		}
		if !strings.Contains(shown, before+"[secret:WEB") || strings.Contains(shown, "T00") {
			t.Errorf("%s shows %s", export, strings.ReplaceAll(shown, before, "…"))
		}
	}
}

func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	kv, s := &values{kept: map[string]string{}}, &state{}
	services := host.Services{KV: kv, SessionState: s, Secrets: operator}
	ask(t, services, "kv_set", "of "+webhook, "is "+webhook)
	ask(t, services, "session_state_merge", `{"a":"`+webhook+`"}`)
	if diff := cmp.Diff(map[string]string{"of [secret:WEBHOOK]": "is [secret:WEBHOOK]"}, kv.kept); diff != "" {
		t.Errorf("values (-want +got):\n%s", diff)
	}
	if want := `{"a":"[secret:WEBHOOK]"}`; s.merged != want {
		t.Errorf("merged %s, want %s", s.merged, want)
	}
}

func TestSecretsAreRefused(t *testing.T) {
	t.Parallel()
	url := serve(t, func(r *http.Request) string {
		t.Errorf("a request to %s was sent", r.RequestURI)
		return ""
	})
	host := strings.TrimPrefix(url, "http://")
	for name, tc := range map[string]struct {
		url     string
		headers map[string]string
		secrets bool
		want    string
	}{
		"unknown in a header": {url, map[string]string{"X-Key": "a secret:OTHER"}, true, "the secret OTHER is not one"},
		"unknown in the path": {url + "/secret:TOKE/", nil, true, "the secret TOKE is not one"},
		"unknown in a query":  {url + "?a=secret:TOKEN_3", nil, true, "the secret TOKEN_3 is not one"},
		"not granted":         {url, map[string]string{"X-Key": "secret:TOKEN"}, false, "secrets are not granted"},
		"as the user":         {"http://secret:TOKEN@" + host, nil, true, "user name or password"},
		"as the host":         {"http://secret:TOKEN/" + host, nil, true, "invalid port"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := grantedTo(url)
			if !tc.secrets {
				call.Services.Secrets = nil
			}
			_, err := loadHook(t, guesttest.Requests(requestWith(t, tc.url, tc.headers))).Call(t.Context(), call)
			if failure := err.Error(); !strings.Contains(failure, tc.want) || strings.Contains(failure, token) {
				t.Errorf("error %q, want one with %q", failure, tc.want)
			}
		})
	}
}

// Whoever a server redirects to must get nothing that was meant for the first.
func TestSecretsStayWithTheFirstHost(t *testing.T) {
	t.Parallel()
	seen := func(r *http.Request) string {
		return r.RequestURI + " " + r.Header.Get("X-Key") + " " + r.Header.Get("X-Other")
	}
	other := serve(t, seen)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other+"/secret:TOKEN", http.StatusTemporaryRedirect)
		case "/" + webhook:
			http.Redirect(w, r, "/home?secret:TOKEN", http.StatusFound)
		default:
			io.WriteString(w, seen(r))
		}
	}))
	t.Cleanup(server.Close)
	for path, want := range map[string]string{
		"/away":           "/secret:TOKEN  open",
		"/secret:WEBHOOK": "/home?secret:TOKEN [secret:TOKEN_2] open",
	} {
		request := requestWith(t, server.URL+path, map[string]string{"X-Key": "secret:TOKEN_2", "X-Other": "open"})
		call := grantedTo(server.URL)
		call.HTTP.Hosts = append(call.HTTP.Hosts, other)
		if got := string(succeed(t, loadHook(t, guesttest.Requests(request)), call).Output); got != want {
			t.Errorf("%s: the last host got %s, want %s", path, got, want)
		}
	}
}

// A secret must not make a request what a guest may not send.
func TestSecretsKeepTheBoundsOfHeaders(t *testing.T) {
	t.Parallel()
	url := serve(t, func(*http.Request) string { return "" })
	for name, value := range map[string]string{
		"too long":   strings.Repeat("x", 16<<10),
		"line break": "value\r\nX-Evil: 1",
	} {
		call := grantedTo(url)
		call.Services.Secrets = secrets{"KEY": value}
		hook := guesttest.Requests(requestWith(t, url, map[string]string{"X-Key": "secret:KEY"}))
		_, err := loadHook(t, hook).Call(t.Context(), call)
		if failure := wantCode(t, err, host.CallRefused); strings.Contains(failure.Message, value[:8]) {
			t.Errorf("%s: %s", name, failure)
		}
	}
}
