package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// The operator's secrets in these tests.
const (
	token   = "t0ken-of-the-operator"
	webhook = "T00/B00/xyz"
)

// servicesPlugin uses every service, written with the SDK. receiver is where it
// posts.
func servicesPlugin(t testing.TB, receiver string) plugin {
	t.Helper()
	return plugin{"services", "1.0.0", `manifest_version: 1
name: services
version: 1.0.0
hooks:
  - {name: count, point: input, export: count, guardrail: true, timeout: 5s}
  - {name: tell, point: output, export: tell, mode: background}
permissions:
  http: {hosts: ["` + receiver + `"], reason: tells a service}
  kv: {reason: counts the runs of a user}
  session_state: {access: write, reason: writes the number down}
  secrets:
    - {name: TOKEN, reason: authenticates to the service}
    - {name: WEBHOOK, reason: names the channel}
`, guesttest.GoDir(t, filepath.Join("..", "..", "..", "sdk", "go", "testdata", "services"))}
}

// mirror is a service that answers with what it was sent. It is safe for
// concurrent use.
type mirror struct {
	mu  sync.Mutex
	got []string
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller has gone
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, string(body))
	_, _ = io.WriteString(w, r.URL.Path+" "+r.Header.Get("Authorization"))
}

// first is the first body that arrived.
func (m *mirror) first() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.got[0]
}

// TestServices: a plugin keeps values over restarts, shares the session's state
// and uses secrets that nobody gets to see.
func TestServices(t *testing.T) {
	t.Parallel()
	service := &mirror{}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	plug := servicesPlugin(t, server.URL)
	s := newSite(t, config{more: "secrets: {TOKEN: " + token + ", WEBHOOK: " + webhook + "}\n"})
	compile(t, plug)
	p := s.start(t)
	p.upload(t, plug).want(t, 201)
	p.activate(t, plug, "http", "kv", "session_state", "secrets").want(t, 200)
	p.bind(t, "agent", binding{"plugin": "services", "config": map[string]any{"url": server.URL}})

	first := p.run(t, "agent", form{"message": "hello", "user_id": "u", "session_id": "s", "session_state": `{"mine":1}`})
	if got := string(first.must(t, "hello").SessionState); got != `{"mine":1,"runs":1}` {
		t.Errorf("the state after the first run is %s", got)
	}
	call := find(t, p.settled(t, first.RunID), "services.tell")
	const hidden = "the receiver answered /[secret:WEBHOOK] Bearer [secret:TOKEN]"
	if call.Status != "completed" || !call.logged(hidden) {
		t.Errorf("%s, logged %v, error %+v", call.summary(), call.Logs, call.Error)
	}
	p.stop(t)

	p = s.start(t)
	second := p.run(t, "agent", form{"message": "hello", "user_id": "u", "session_id": "s"})
	told := `"told":"/[secret:WEBHOOK] Bearer [secret:TOKEN]"`
	if got := string(second.must(t, "hello").SessionState); got != `{"mine":1,"runs":2,`+told+`}` {
		t.Errorf("the state after the second run is %s", got)
	}
	other := p.run(t, "agent", form{"message": "hello", "user_id": "other", "session_id": "t"})
	if got := string(other.must(t, "hello").SessionState); got != `{"runs":1}` {
		t.Errorf("the state of another user's run is %s", got)
	}
	p.settled(t, second.RunID)
	p.settled(t, other.RunID)
	if want := `{"context":{"mine":1,"runs":1},"now":{"mine":1,"runs":1}}`; service.first() != want {
		t.Errorf("the service was told %s, want %s", service.first(), want)
	}
	p.stop(t)
	for _, secret := range []string{token, webhook} {
		if s.holds(t, secret) {
			t.Errorf("the database holds %s", secret)
		}
		if strings.Contains(p.output.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// TestSecretsMustBeConfigured: a plugin that asks for what the operator does not
// have is not activated.
func TestSecretsMustBeConfigured(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{more: "secrets: {TOKEN: " + token + "}\n"}).start(t)
	plug := newPlugin(t, "courier", `permissions:
  secrets: [{name: TOKEN, reason: one}, {name: WEBHOOK, reason: two}]
`, hook{name: "deliver", point: "output", does: guesttest.Answers(allow)})
	p.upload(t, plug).want(t, 201)
	refused := p.activate(t, plug, "secrets").want(t, 409)
	refused.says(t, "WEBHOOK")
	shown := p.get(t, "/plugins/courier/1.0.0").want(t, 200)
	shown.says(t, "TOKEN", "inactive")
	if strings.Contains(string(refused.body)+string(shown.body), token) {
		t.Errorf("the host says %s and %s", refused.body, shown.body)
	}
}
