package pluginapi

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// ToolFunction is an exported function that agents and workflows may call.
type ToolFunction struct {
	// Name has letters, digits, - and _, at most 64; it is unique in the plugin.
	Name string `json:"name"`
	// Export defaults to Name; a wasi-command has only ExportStart.
	Export string `json:"export,omitempty"`
	// Description is what a model reads.
	Description string `json:"description"`
	// Parameters is a JSON Schema of an object: the arguments.
	Parameters json.RawMessage `json:"parameters"`
	// Idempotent lets the host call the function again when it does not know what
	// came of a call.
	Idempotent bool `json:"idempotent,omitempty"`
	// Timeout bounds a call; the host's default when zero.
	Timeout Duration `json:"timeout,omitzero"`
}

func (f *ToolFunction) setDefaults(abi ABI) {
	switch {
	case f.Export != "":
	case abi == ABIWASICommand:
		f.Export = ExportStart
	default:
		f.Export = f.Name
	}
}

func (m Manifest) checkTools(p *problems) {
	if len(m.Tools) > MaxTools {
		p.add("tools", "must be at most %d", MaxTools)
	}
	seen := map[string]bool{}
	for i, f := range m.Tools {
		path := item("tools", i)
		f.check(p, path, m.ABI)
		if seen[f.Name] {
			p.add(path+".name", "%q is used by an earlier tool", cut(f.Name))
		}
		seen[f.Name] = true
	}
}

func (f ToolFunction) check(p *problems, path string, abi ABI) {
	if !validToolName(f.Name) {
		p.add(path+".name", "must match [A-Za-z0-9_-]+ with at most %d characters", maxToolNameLen)
	}
	if f.Name != "" || f.Export != "" {
		checkExport(p, path+".export", f.Export, abi)
	}
	if strings.TrimSpace(f.Description) == "" {
		p.add(path+".description", "is missing: a model chooses by it")
	}
	checkParameters(p, path+".parameters", f.Parameters)
	switch {
	case f.Timeout < 0:
		p.add(path+".timeout", "must be positive")
	case time.Duration(f.Timeout) > MaxToolTimeout:
		p.add(path+".timeout", "must be at most %s", MaxToolTimeout)
	}
}

// checkParameters looks at the form of a schema; what it says is for the host to
// compile.
func checkParameters(p *problems, path string, schema json.RawMessage) {
	checkObject(p, path, schema)
	if root, err := object(schema); err == nil && string(root["type"]) != `"object"` {
		p.add(path+".type", "must be object: arguments have names")
	}
}

func (m Manifest) checkToolTest(p *problems, path string, t Test) {
	if !slices.ContainsFunc(m.Tools, func(f ToolFunction) bool { return f.Name == t.Tool }) {
		p.add(path+".tool", "the plugin has no tool %q", cut(t.Tool))
	}
	if t.Hook != "" || t.Context != nil {
		p.add(path+".hook", "a test has a hook and its context, or a tool and its arguments")
	}
	checkObject(p, path+".arguments", t.Arguments)
	if isObject(t.Want) && !validToolWant(t.Want) {
		p.add(path+".want", "must have the member result, or error with a text")
	}
}

// validToolWant accepts {"result": any} and {"error": text}.
func validToolWant(want json.RawMessage) bool {
	members, err := object(want, "result", "error")
	if err != nil || len(members) != 1 {
		return false
	}
	var text string
	message, failed := members["error"]
	return !failed || json.Unmarshal(message, &text) == nil && text != ""
}

// ToolInput is the document a tool's function gets. What it returns is the result:
// any JSON, or text.
type ToolInput struct {
	Tool string `json:"tool"`
	// CallID stays the same when a call is made again.
	CallID string `json:"call_id"`
	// Arguments is an object that fits the function's schema.
	Arguments json.RawMessage `json:"arguments"`
	Run       Run             `json:"run"`
	SessionID string          `json:"session_id"`
	UserID    string          `json:"user_id,omitempty"`
	Component Component       `json:"component"`
	// Config is the configuration of the reference to the plugin, an object.
	Config json.RawMessage `json:"config,omitempty"`
}
