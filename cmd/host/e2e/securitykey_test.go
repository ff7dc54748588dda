package e2e

import (
	"net/http"
	"strings"
	"testing"
)

const securityKey = "a-key-for-these-tests"

// keyed sends the key with every request.
type keyed struct{ next http.RoundTripper }

func (k keyed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+securityKey)
	return k.next.RoundTrip(r)
}

// TestSecurityKey: with a key the host may be reached from elsewhere, serves who
// shows it, and never writes it down.
func TestSecurityKey(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{more: "security_key: " + securityKey + "\n"})
	p := s.start(t, "--listen", "0.0.0.0:0")
	p.get(t, "/health").want(t, 200)
	p.get(t, "/info").want(t, 200).says(t, `"auth_mode":"security_key"`)
	for _, path := range []string{"/agents", "/config", "/sessions", "/plugins", "/nowhere"} {
		p.get(t, path).want(t, 401).says(t, `"detail":"Authorization header required"`)
	}
	p.ask(t, "agent", form{"message": "hello"}).want(t, 401)

	p.http.Transport = keyed{p.http.Transport}
	p.run(t, "agent", form{"message": "hello", "session_id": "s"}).must(t, "hello")
	p.get(t, "/sessions/s").want(t, 200)
	p.stop(t)
	if strings.Contains(p.output.String(), securityKey) {
		t.Errorf("the key is in the output: %s", p.output)
	}
	if s.holds(t, securityKey) {
		t.Error("the key is in the database")
	}
}

// TestNoKeyNoOtherMachines: a short key is no key either.
func TestNoKeyNoOtherMachines(t *testing.T) {
	t.Parallel()
	for more, want := range map[string]string{
		"":                          "can be reached from other machines",
		"security_key: too-short\n": "security_key: must have 16 to 1024 characters",
	} {
		s := newSite(t, config{more: more})
		printed := s.refuses(t, "serve", "--config", "host.yaml", "--listen", "0.0.0.0:0")
		if !strings.Contains(printed, want) || strings.Contains(printed, "too-short") {
			t.Errorf("the host printed %s, want %q", printed, want)
		}
	}
}
