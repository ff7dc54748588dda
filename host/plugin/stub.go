package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Stubs answer a hook that is tried, in place of the services of the host. What
// is not stubbed fails.
type Stubs struct {
	// HTTP answers requests by their URL; the first that fits is taken.
	HTTP []pluginapi.HTTPStub
	// KV is what the plugin keeps; nil stubs nothing.
	KV map[string]string
	// SessionState is an object; nil is an empty one.
	SessionState json.RawMessage
	// Run is how runs of components end, by their names, [kind:]id.
	Run map[string]pluginapi.RunStub
}

// check returns what is wrong with the stubs of a plugin's hook. Paths begin at
// the stubs.
func (s Stubs) check(m pluginapi.Manifest) []host.Problem {
	var problems []host.Problem
	asked := m.Permissions
	for _, stub := range []struct {
		permission   pluginapi.Permission
		given, asked bool
	}{
		{pluginapi.PermissionHTTP, len(s.HTTP) > 0, asked.HTTP != nil},
		{pluginapi.PermissionKV, s.KV != nil, asked.KV != nil},
		{pluginapi.PermissionSessionState, s.SessionState != nil, asked.SessionState != nil},
		{pluginapi.PermissionRun, len(s.Run) > 0, asked.Run != nil},
	} {
		if stub.given && !stub.asked {
			problems = append(problems, host.Problem{
				Path: string(stub.permission), Message: "is not used: the plugin does not ask for this permission",
			})
		}
	}
	for i, stub := range s.HTTP {
		for _, wrong := range stub.Validate() {
			problems = append(problems, host.Problem{Path: fmt.Sprintf("http[%d].%s", i, wrong.Path), Message: wrong.Message})
		}
	}
	for _, wrong := range pluginapi.ValidateRunStubs(s.Run) {
		problems = append(problems, host.Problem{Path: wrong.Path, Message: wrong.Message})
	}
	if _, err := host.MergeState(s.SessionState, json.RawMessage(`{}`)); err != nil {
		problems = append(problems, host.Problem{Path: "session_state", Message: "must be an object"})
	}
	return problems
}

// stubSecret is the value of every secret of a stub. No guest sees it.
const stubSecret = "the value of a secret"

// stubbed is the stubs of one call. It notes what was asked for in vain.
type stubbed struct {
	given Stubs
	quota host.KVQuota

	mu     sync.Mutex
	values map[string][]byte
	state  json.RawMessage
	missed []string
}

func newStubbed(p *host.Plugin, given Stubs) *stubbed {
	s := &stubbed{given: given, state: json.RawMessage(`{}`)}
	// What is no object is refused before the hook is asked.
	if state, err := host.MergeState(given.SessionState, s.state); err == nil {
		s.state = state
	}
	if p.Manifest.Permissions.KV != nil {
		s.quota = kvQuota(p)
	}
	if given.KV != nil {
		s.values = map[string][]byte{}
		for key, value := range given.KV {
			s.values[key] = []byte(value)
		}
	}
	return s
}

// services are those of a call that is stubbed altogether.
func (s *stubbed) services(p *host.Plugin) host.Services {
	return host.Services{
		KV: stubKV{s}, SessionState: stubState{s}, HTTP: s, Secrets: stubSecrets(p.Manifest.Permissions.Secrets), Runner: stubRunner{s},
	}
}

// misses returns what was asked for in vain, each once.
func (s *stubbed) misses() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.missed)
}

// maxMissed bounds what is noted: a guest may ask as long as it likes.
const maxMissed = 5

// miss notes what is not stubbed. The caller holds mu.
func (s *stubbed) miss(what string) {
	if len(s.missed) < maxMissed && !slices.Contains(s.missed, what) {
		s.missed = append(s.missed, what)
	}
}

var _ host.HTTPStub = (*stubbed)(nil)

// Answer answers a request whose URL is stubbed.
func (s *stubbed) Answer(method, address string) (status int, body []byte, ok bool) {
	for _, stub := range s.given.HTTP {
		if sameURL(stub.URL, address) {
			return stub.Status, []byte(stub.Body), true
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.miss(method + " " + cut(address))
	return 0, nil, false
}

// sameURL compares two URLs; one without a path is that with the path /.
func sameURL(a, b string) bool { return a == b || withPath(a) == withPath(b) }

func withPath(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path != "" {
		return address
	}
	u.Path = "/"
	return u.String()
}

// stubKV keeps values for the time of one call, within the plugin's quota.
type stubKV struct{ *stubbed }

var _ host.KV = stubKV{}

// Get returns a value, or false.
func (s stubKV) Get(_ context.Context, key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		return nil, false, s.notStubbed()
	}
	value, ok := s.values[key]
	return slices.Clone(value), ok, nil
}

// Set stores a value within the quota.
func (s stubKV) Set(_ context.Context, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		return s.notStubbed()
	}
	keys, bytes := 1, int64(len(key)+len(value))
	for other, kept := range s.values {
		if other != key {
			keys++
			bytes += int64(len(other) + len(kept))
		}
	}
	if err := s.quota.Check(keys, bytes); err != nil {
		return err
	}
	s.values[key] = slices.Clone(value)
	return nil
}

// Delete deletes a key, if it is there.
func (s stubKV) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		return s.notStubbed()
	}
	delete(s.values, key)
	return nil
}

func (s stubKV) notStubbed() error {
	s.miss("kv")
	return host.Errorf(host.CodeUnavailable, "kv is not stubbed")
}

// stubState is a session's state for the time of one call.
type stubState struct{ *stubbed }

var _ host.SessionState = stubState{}

// Get returns the state.
func (s stubState) Get(context.Context) (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, nil
}

// Merge lays a patch over the state.
func (s stubState) Merge(_ context.Context, patch json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	merged, err := host.MergeState(s.state, patch)
	if err != nil {
		return fmt.Errorf("merge session state: %w", err)
	}
	s.state = merged
	return nil
}

// stubSecrets has every secret the plugin asks for.
type stubSecrets []pluginapi.SecretPermission

var _ host.Secrets = stubSecrets{}

// Secret returns a value that stands for the operator's.
func (s stubSecrets) Secret(name string) (string, bool) {
	asked := slices.ContainsFunc(s, func(p pluginapi.SecretPermission) bool { return p.Name == name })
	if !asked {
		return "", false
	}
	return stubSecret, true
}

// Names returns the secrets the plugin asks for.
func (s stubSecrets) Names() []string {
	names := make([]string, len(s))
	for i, p := range s {
		names[i] = p.Name
	}
	return names
}
