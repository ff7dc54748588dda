package pluginapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	reflector "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

var update = flag.Bool("update", false, "rewrite the published schemas")

// document is a JSON Schema that is being made.
type document map[string]any

func TestSchemasAreCurrent(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]document{
		"context":  contextSchema(t),
		"verdict":  verdictSchema(t),
		"manifest": manifestSchema(t),
	} {
		path := filepath.Join("schema", name+".json")
		data, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, '\n')
		if *update {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, data) {
			t.Errorf("%s is not current: run go test ./pluginapi -update", path)
		}
	}
}

// contextSchema is open: a later version may add members.
func contextSchema(t *testing.T) document {
	s := generate(t, pluginapi.Context{}, true)
	s.set("spec", document{"const": pluginapi.Spec})
	s.set("sequence", document{"minimum": 0})
	s.set("target", document{"description": "The value a transform may rewrite: $target is its root."})
	s.set("extensions", document{"propertyNames": document{"pattern": "^[a-z][a-z0-9_]*$"}})
	s.def("Agent").set("id", document{"minLength": 1})
	s.def("Agent").set("framework", document{"pattern": "^[a-z0-9_-]+$"})
	s.def("Session").set("id", document{"minLength": 1})
	s.def("Session").set("turn", document{"minimum": 0})
	s.def("Input").set("role", enum("user", "system", "external"))
	s.def("Actor").set("kind", enum("human", "service", "agent"))
	s.def("Summary").set("reason", enum("completed", "error", "cancelled"))
	s.def("Run").set("kind", enum("agent", "team", "workflow"))
	s.def("Component").set("kind", enum("agent", "team", "workflow"))
	s.def("Run").set("status", enum("PENDING", "RUNNING", "PAUSED", "COMPLETED", "CANCELLED", "ERROR"))
	for _, name := range []string{"Input", "Message", "Output", "RunInput"} {
		s.def(name).set("content", types("string", "object"))
	}
	s.def("Response").set("content", types("string", "object", "null"))
	s.def("ToolCall").set("args", types("object"))
	s.def("ToolCall").set("content_hash", document{"pattern": "^sha256:[0-9a-f]{64}$"})
	s.def("Tool").set("schema", types("object"))
	s.def("Model").set("params", types("object"))
	for _, name := range []string{"metadata", "dependencies", "arguments", "config", "session_state"} {
		s.def("Extension").set(name, types("object"))
	}
	s["allOf"] = []any{
		at(pluginapi.PointAgentStartup, "agent_init"),
		at(pluginapi.PointInput, "input"),
		at(pluginapi.PointPreModelCall, "model", "messages"),
		at(pluginapi.PointPostModelCall, "model", "response"),
		at(pluginapi.PointPreToolCall, "tool_call"),
		at(pluginapi.PointPostToolCall, "tool_call", "tool_result"),
		at(pluginapi.PointOutput, "output"),
		at(pluginapi.PointAgentShutdown, "summary"),
	}
	return s
}

func verdictSchema(t *testing.T) document {
	s := generate(t, pluginapi.Verdict{}, false)
	reserved := document{"not": document{"type": "string", "pattern": "^" + pluginapi.ReservedPrefix}}
	s.set("reason", reserved)
	s.set("approval", types("object"))
	s.def("Warning").set("reason", reserved)
	s.def("Transform").set("path", document{
		"pattern": `^\$(target|policy_target)(\.[A-Za-z0-9_-]+|\[[0-9]+\]|\["[A-Za-z0-9_-]+"\])*$`,
	})
	for _, name := range []string{"reason", "message", "warnings", "result_labels"} {
		s.nullable(name)
	}
	s.def("Warning").nullable("reason")
	s.def("Warning").nullable("message")
	s.set("evidence", document{
		"type":                 "object",
		"additionalProperties": false,
		"properties": document{
			"artefact": types("string", "null"),
			"verification_pointers": document{
				"type": "object", "additionalProperties": types("string"),
			},
		},
	})
	s["allOf"] = []any{
		document{
			"if":   document{"properties": document{"decision": document{"const": pluginapi.TransformTo}}},
			"then": document{"required": []string{"transform"}},
			"else": document{"not": document{"required": []string{"transform"}}},
		},
		document{
			"if":   document{"required": []string{"approval"}},
			"then": document{"properties": document{"decision": document{"const": pluginapi.Deny}}},
		},
	}
	return s
}

func manifestSchema(t *testing.T) document {
	s := generate(t, pluginapi.Manifest{}, false)
	s.set("manifest_version", document{"const": pluginapi.ManifestVersion})
	s.set("name", document{"pattern": "^[a-z][a-z0-9-]*$", "maxLength": 63})
	s.set("hooks", document{"minItems": 1})
	s.set("tools", document{"minItems": 1, "maxItems": pluginapi.MaxTools})
	s["anyOf"] = []any{document{"required": []string{"hooks"}}, document{"required": []string{"tools"}}}
	s.set("config_schema", types("object"))
	s.set("tests", document{"maxItems": pluginapi.MaxTests})
	s.def("Hook").set("name", document{"pattern": "^[A-Za-z_][A-Za-z0-9_-]*$", "maxLength": 63})
	s.def("ToolFunction").set("name", document{"pattern": "^[A-Za-z0-9_-]+$", "maxLength": 64})
	s.def("ToolFunction").set("description", document{"minLength": 1})
	s.def("ToolFunction").set("parameters", types("object"))
	s.def("Retry").set("max_attempts", document{"minimum": 1, "maximum": pluginapi.MaxRetryAttempts})
	s.def("KVPermission").set("max_bytes", document{"minimum": 1, "maximum": pluginapi.MaxKVBytes})
	s.def("SessionStatePermission").set("access", enum(pluginapi.AccessRead, pluginapi.AccessWrite))
	s.def("HTTPStub").set("status", document{"minimum": 100, "maximum": 599})
	s.def("RunStub").set("status", enum("COMPLETED", "ERROR", "CANCELLED"))
	s.def("RunStub").set("content", types("string", "object"))
	for _, name := range []string{"context", "arguments", "want", "config"} {
		s.def("Test").set(name, types("object"))
	}
	s.def("Test")["oneOf"] = []any{document{"required": []string{"hook", "context"}}, document{"required": []string{"tool", "arguments"}}}
	for _, name := range []string{"HTTP", "KV", "SessionState", "Run", "Secret"} {
		s.def(name+"Permission").set("reason", document{"minLength": 1})
	}
	return s
}

// generate reflects a Go type. Its doc comments become descriptions.
func generate(t *testing.T, v any, open bool) document {
	t.Helper()
	defs := map[string]reflect.Type{}
	r := reflector.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		AllowAdditionalProperties:  open,
		RequiredFromJSONSchemaTags: true, // it does not know omitzero: see require
		Mapper:                     scalar,
		Namer:                      func(t reflect.Type) string { defs[t.Name()] = t; return t.Name() },
	}
	if err := r.AddGoComments("github.com/snaphook-dev/snaphook/pluginapi", "./"); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(r.Reflect(v))
	if err != nil {
		t.Fatal(err)
	}
	var s document
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	for name := range s["$defs"].(map[string]any) {
		s.def(name).require(defs[name])
	}
	s.require(reflect.TypeOf(v))
	return s
}

// scalar gives the types that are written as text their schema.
func scalar(t reflect.Type) *reflector.Schema {
	text := func(values ...any) *reflector.Schema { return &reflector.Schema{Type: "string", Enum: values} }
	switch t {
	case reflect.TypeFor[pluginapi.Point]():
		var points []any
		for _, p := range pluginapi.Points() {
			points = append(points, p)
		}
		return text(points...)
	case reflect.TypeFor[pluginapi.Mode]():
		return text(pluginapi.ModeBlocking, pluginapi.ModeBackground)
	case reflect.TypeFor[pluginapi.Decision]():
		return text(pluginapi.Allow, pluginapi.Deny, pluginapi.TransformTo)
	case reflect.TypeFor[pluginapi.ABI]():
		return text(pluginapi.ABIExtism, pluginapi.ABIWASICommand)
	case reflect.TypeFor[pluginapi.OnError]():
		return text(pluginapi.OnErrorDeny, pluginapi.OnErrorAllow)
	case reflect.TypeFor[pluginapi.Duration]():
		return &reflector.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[pluginapi.Size]():
		return &reflector.Schema{Type: "string", Pattern: `^[0-9]+(B|KiB|MiB|GiB)?$`}
	}
	return nil
}

func (d document) def(name string) document {
	return d["$defs"].(map[string]any)[name].(map[string]any)
}

// set adds members to the schema of a property.
func (d document) set(property string, members document) {
	all := d["properties"].(map[string]any)
	old, ok := all[property].(map[string]any)
	if !ok { // any value
		if all[property] != true {
			panic("no property " + property)
		}
		old = document{}
		all[property] = old
	}
	maps.Copy(old, members)
}

// nullable lets a property be null.
func (d document) nullable(property string) {
	p := d["properties"].(map[string]any)[property].(map[string]any)
	p["type"] = []any{p["type"], "null"}
}

// require lists the members that encoding/json always writes.
func (d document) require(t reflect.Type) {
	var names []string
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "-" && !strings.Contains(options, "omit") {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		d["required"] = names
	}
}

func enum(values ...string) document { return document{"enum": values} }

func types(names ...string) document {
	if len(names) == 1 {
		return document{"type": names[0]}
	}
	return document{"type": names}
}

// at requires members at a point.
func at(p pluginapi.Point, members ...string) document {
	return document{
		"if":   document{"properties": document{"interception_point": document{"const": p}}},
		"then": document{"required": members},
	}
}

// compile compiles a published schema.
func compile(t *testing.T, data []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// accepts reports whether a schema accepts a JSON document.
func accepts(t *testing.T, s *jsonschema.Schema, doc string) bool {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v) == nil
}
