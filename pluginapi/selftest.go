package pluginapi

import (
	"encoding/json"
	"slices"
)

// Test is a case the host runs at upload: a plugin that fails its own tests is
// refused.
type Test struct {
	Name string `json:"name,omitempty"`
	Hook string `json:"hook"`
	// Context may leave out what the host fills in.
	Context json.RawMessage `json:"context"`
	// Want matches the members it names.
	Want json.RawMessage `json:"want"`
	// Config is the binding's configuration for this case.
	Config json.RawMessage `json:"config,omitempty"`
	// HTTP and KV answer the host services; what is not stubbed fails.
	HTTP []HTTPStub        `json:"http,omitempty"`
	KV   map[string]string `json:"kv,omitempty"`
}

// HTTPStub is the answer to one request of a test.
type HTTPStub struct {
	URL    string `json:"url"`
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
}

func (m Manifest) checkTests(p *problems) {
	if len(m.Tests) > MaxTests {
		p.add("tests", "must be at most %d", MaxTests)
	}
	for i, t := range m.Tests {
		path := item("tests", i)
		if !slices.ContainsFunc(m.Hooks, func(h Hook) bool { return h.Name == t.Hook }) {
			p.add(path+".hook", "the plugin has no hook %q", cut(t.Hook))
		}
		t.check(p, path)
	}
}

func (t Test) check(p *problems, path string) {
	checkObject(p, path+".context", t.Context)
	checkObject(p, path+".want", t.Want)
	if t.Config != nil {
		checkObject(p, path+".config", t.Config)
	}
	for i, stub := range t.HTTP {
		for _, wrong := range stub.Validate() {
			p.add(item(path+".http", i)+"."+wrong.Path, "%s", wrong.Message)
		}
	}
}

// Validate returns what is wrong with the stub, or nil. Paths begin at it.
func (s HTTPStub) Validate() []Problem {
	var p problems
	if s.URL == "" {
		p.add("url", "is missing")
	}
	if s.Status != 0 && (s.Status < 100 || s.Status > 599) {
		p.add("status", "must be between 100 and 599")
	}
	return p
}

func checkObject(p *problems, path string, raw json.RawMessage) {
	switch {
	case len(raw) == 0:
		p.add(path, "is missing")
	case !isObject(raw):
		p.add(path, "must be an object")
	}
}
