package e2e

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestGuestsReachOnlyWhatTheyWereGranted: a plugin granted one host reaches
// neither another one nor, by a redirect of the first, the host itself.
func TestGuestsReachOnlyWhatTheyWereGranted(t *testing.T) {
	t.Parallel()
	other := newReceiver(t, nil)
	granted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, other.url(), http.StatusTemporaryRedirect)
			return
		}
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(granted.Close)
	p := newSite(t, config{}).start(t)
	p.installWith(t, newPlugin(t, "visitor", permitHTTP(granted.URL),
		visit("granted", granted.URL), visit("redirected", granted.URL+"/away"),
		visit("other", other.url()), visit("self", p.base+"/health"),
		visit("metadata", "http://169.254.169.254/latest/meta-data/")), "http")
	p.bind(t, "agent", binding{"plugin": "visitor"})

	calls := p.settled(t, p.run(t, "agent", form{"message": "hello"}).must(t, "hello").RunID)
	if call := find(t, calls, "visitor.granted"); call.Status != "completed" {
		t.Errorf("%s with %+v, want it completed", call.summary(), call.Error)
	}
	for _, name := range []string{"redirected", "other", "self", "metadata"} {
		if call := find(t, calls, "visitor."+name); call.Status != "dead" {
			t.Errorf("%s, want it dead", call.summary())
		}
	}
	if got := other.requests(); len(got) != 0 {
		t.Errorf("the other host got %v", got)
	}
}

// visit is a background hook that posts to a URL, once.
func visit(name, url string) hook {
	return hook{
		name: name, point: "output", does: guesttest.Posts(url),
		fields: []string{"mode: background", "timeout: 10s", "retry: {max_attempts: 1}"},
	}
}

// TestHostsFromConfig: with hosts_from the binding's configuration decides.
func TestHostsFromConfig(t *testing.T) {
	t.Parallel()
	named, other := newReceiver(t, nil), newReceiver(t, nil)
	p := newSite(t, config{}).start(t)
	const permission = "permissions: {http: {hosts_from: [url], reason: goes where it is sent}}\n" +
		"config_schema: {type: object, properties: {url: {type: string}}}\n"
	p.installWith(t, newPlugin(t, "visitor", permission, visit("named", named.url()), visit("other", other.url())), "http")
	p.bind(t, "agent", binding{"plugin": "visitor", "config": map[string]any{"url": named.url()}})

	calls := p.settled(t, p.run(t, "agent", form{"message": "hello"}).must(t, "hello").RunID)
	if call := find(t, calls, "visitor.named"); call.Status != "completed" {
		t.Errorf("%s with %+v, want it completed", call.summary(), call.Error)
	}
	if call := find(t, calls, "visitor.other"); call.Status != "dead" {
		t.Errorf("%s, want it dead", call.summary())
	}
	if n, m := len(named.requests()), len(other.requests()); n != 1 || m != 0 {
		t.Errorf("%d requests to the named host and %d to the other, want 1 and 0", n, m)
	}
}

// TestPermissionsMustBeGranted: a plugin that asks for more than it was granted
// does not become active.
func TestPermissionsMustBeGranted(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	asks := newPlugin(t, "visitor", permitHTTP("https://example.com"), visit("go", "https://example.com"))
	p.upload(t, asks).want(t, 201)
	p.activate(t, asks).want(t, 409).says(t, "http", "talks to a service of the test")
	p.putHooks(t, "/agents/agent/hooks", binding{"plugin": "visitor"}).says(t, "visitor")
	p.activate(t, asks, "http", "kv").says(t, "kv")
	p.activate(t, asks, "http").want(t, 200)
}
