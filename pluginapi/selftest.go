package pluginapi

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// Test is a case the host runs at upload: a plugin that fails its own tests is
// refused.
type Test struct {
	Name string `json:"name,omitempty"`
	// Hook is asked on Context, or Tool is called with Arguments.
	Hook string `json:"hook,omitempty"`
	// Context may leave out what the host fills in.
	Context json.RawMessage `json:"context,omitempty"`
	Tool    string          `json:"tool,omitempty"`
	// Arguments fit the tool's schema.
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// Want matches the members it names: of a hook's verdict, and with evaluations of
	// what it stored, each as far as it is named; or of a tool its result, or error: a
	// part of what the tool says against the call.
	Want json.RawMessage `json:"want"`
	// Config is the binding's configuration for this case.
	Config json.RawMessage `json:"config,omitempty"`
	// HTTP, KV and Run answer the host services; what is not stubbed fails.
	HTTP []HTTPStub        `json:"http,omitempty"`
	KV   map[string]string `json:"kv,omitempty"`
	// Run has the components by their names, [kind:]id.
	Run map[string]RunStub `json:"run,omitempty"`
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
		if t.Tool != "" {
			m.checkToolTest(p, path, t)
		} else {
			m.checkHookTest(p, path, t)
		}
		t.check(p, path)
	}
}

func (m Manifest) checkHookTest(p *problems, path string, t Test) {
	if !slices.ContainsFunc(m.Hooks, func(h Hook) bool { return h.Name == t.Hook }) {
		p.add(path+".hook", "the plugin has no hook %q", cut(t.Hook))
	}
	checkObject(p, path+".context", t.Context)
	if t.Arguments != nil {
		p.add(path+".arguments", "is only for the test of a tool")
	}
}

func (t Test) check(p *problems, path string) {
	checkObject(p, path+".want", t.Want)
	if t.Config != nil {
		checkObject(p, path+".config", t.Config)
	}
	for i, stub := range t.HTTP {
		for _, wrong := range stub.Validate() {
			p.add(item(path+".http", i)+"."+wrong.Path, "%s", wrong.Message)
		}
	}
	for _, wrong := range ValidateRunStubs(t.Run) {
		p.add(path+"."+wrong.Path, "%s", wrong.Message)
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

// RunStub is how the run of a component ends in a test.
type RunStub struct {
	// Status is COMPLETED, the default, ERROR or CANCELLED.
	Status string `json:"status,omitempty"`
	// Content is a string or an object; a run that completed has it.
	Content json.RawMessage `json:"content,omitempty"`
	// Error is for the status ERROR.
	Error *RunFailure `json:"error,omitempty"`
}

// ValidateRunStubs returns what is wrong with the stubs, or nil. Paths begin with
// run, in the order of the names.
func ValidateRunStubs(stubs map[string]RunStub) []Problem {
	var p problems
	for _, name := range slices.Sorted(maps.Keys(stubs)) {
		path := "run[" + strconv.Quote(cut(name)) + "]"
		if _, err := ParseComponent(name); err != nil {
			p.add(path, "%s", err)
		}
		stubs[name].check(&p, path)
	}
	return p
}

func (s RunStub) check(p *problems, path string) {
	switch s.Status {
	case "", RunCompleted:
		if s.Content == nil {
			p.add(path+".content", "is missing")
		}
	case RunError, RunCancelled:
	default:
		p.add(path+".status", "must be %s, %s or %s", RunCompleted, RunError, RunCancelled)
	}
	if !isContent(s.Content) {
		p.add(path+".content", "must be a string or an object")
	}
	if s.Error != nil && s.Status != RunError {
		p.add(path+".error", "is only for the status %s", RunError)
	}
}

func checkObject(p *problems, path string, raw json.RawMessage) {
	switch {
	case len(raw) == 0:
		p.add(path, "is missing")
	case !isObject(raw):
		p.add(path, "must be an object")
	}
}
