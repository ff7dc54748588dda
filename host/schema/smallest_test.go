package schema_test

import (
	"encoding/json"
	"testing"

	"github.com/snaphook-dev/snaphook/host/schema"
)

func TestSmallest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ property, want string }{
		{`true`, `0`},
		{`{"type": "string"}`, `""`},
		{`{"type": "string", "minLength": 3}`, `"aaa"`},
		{`{"type": "string", "pattern": "^[A-Z]{2}-\\d+(x|yy)?$"}`, `"AA-0"`},
		{`{"type": "string", "format": "date"}`, `"2000-01-01"`},
		{`{"type": "string", "format": "email"}`, `"a@b.c"`},
		{`{"type": "string", "pattern": "(a|b)\\b!", "examples": ["b!"]}`, `"a!"`},
		{`{"type": "string", "pattern": "^.*\\w$", "maxLength": 3, "minLength": 3, "examples": ["abc"]}`, `"aaa"`},
		{`{"type": "integer", "minimum": 5}`, `5`},
		{`{"type": "integer", "exclusiveMinimum": 5, "multipleOf": 7}`, `7`},
		{`{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}`, `0.5`},
		{`{"type": "integer", "maximum": -3}`, `-3`},
		{`{"type": "boolean"}`, `true`},
		{`{"type": "null"}`, `null`},
		{`{"type": ["null", "string"]}`, `""`},
		{`{"enum": ["long", "s", {"a": 1}]}`, `"s"`},
		{`{"const": {"a": [1]}}`, `{"a":[1]}`},
		{`{"type": "array"}`, `[]`},
		{`{"type": "array", "minItems": 2, "items": {"type": "boolean"}}`, `[true,true]`},
		{`{"type": "array", "minItems": 3, "uniqueItems": true, "items": {"type": "integer", "minimum": 4}}`, `[4,5,6]`},
		{`{"type": "array", "minItems": 2, "uniqueItems": true, "items": {"enum": ["a", "b"]}}`, `["a","b"]`},
		{`{"type": "array", "prefixItems": [{"type": "string"}], "minItems": 2}`, `["",0]`},
		{`{"type": "array", "contains": {"const": 7}, "minContains": 2}`, `[7,7]`},
		{`{"type": "object", "minProperties": 2, "properties": {"b": {"const": "b"}}}`, `{"b":"b","p0":0}`},
		{`{"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}}`, `{"a":0,"b":0}`},
		{`{"type": "object", "required": ["xa"], "patternProperties": {"^x": {"type": "string"}}, "additionalProperties": {"type": "null"}}`, `{"xa":""}`},
		{`{"allOf": [{"type": "integer", "minimum": 2}, {"minimum": 4}]}`, `4`},
		{`{"anyOf": [{"type": "string", "minLength": 20}, {"type": "boolean"}]}`, `true`},
		{`{"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 5}]}`, `0`},
		{`{"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "null"}}`, `null`},
		{`{"$ref": "#/$defs/Tree"}`, `{"leaves":[]}`},
		{`{"anyOf": [{"type": "object", "required": ["x"], "properties": {"x": {"$ref": "#/properties/v"}}}, {"const": "end"}]}`, `"end"`},
	} {
		text := `{"type": "object", "required": ["v"], "properties": {"v": ` + tc.property + `},
			"$defs": {"Tree": {"type": "object", "required": ["leaves"], "properties": {"leaves": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}}}`
		s := output(t, text)
		got, err := s.Smallest()
		if want := `{"v":` + tc.want + `}`; err != nil || string(got) != want {
			t.Errorf("%s: smallest = %s, %v; want %s", tc.property, got, err, want)
		}
		if problems := s.Validate(got); problems != nil {
			t.Errorf("%s: %s: %q", tc.property, got, lines(problems))
		}
	}
}

func TestSmallestOfNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"type": "object", "required": ["a"], "properties": {"a": false}}`,
		`{"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}`,
		`{"type": "object", "required": ["a"], "properties": {"a": {"type": "array", "minItems": 1000000000}}}`,
		`{"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "minLength": 1e300}}}`,
	} {
		got, err := output(t, text).Smallest()
		if err == nil && output(t, text).Validate(got) != nil {
			t.Errorf("%s: smallest = %s", text, got)
		}
	}
	if _, err := output(t, `{"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}`).Smallest(); err == nil {
		t.Error("a value without end was found")
	}
}

// FuzzSchema checks that any schema is refused or can be used, and that what is
// found to be its smallest value fits.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(cities), []byte(`{"cities": [{"name": "Oslo"}]}`))
	f.Add([]byte(`{"type": "json_object"}`), []byte(`{}`))
	for _, h := range hostile() {
		if len(h.schema)+len(h.value) < 4096 { // the others would only slow it down
			f.Add([]byte(h.schema), []byte(h.value))
		}
	}
	f.Fuzz(func(t *testing.T, text, value []byte) {
		if s, err := schema.Compile(text); err == nil {
			s.Validate(value)
		}
		s, err := schema.CompileOutput(text)
		if err != nil {
			return
		}
		s.Validate(value)
		s.Strict()
		smallest, err := s.Smallest()
		if err != nil {
			return
		}
		var object map[string]any
		if err := json.Unmarshal(smallest, &object); err != nil || s.Validate(smallest) != nil {
			t.Errorf("smallest = %s: %v, %q", smallest, err, lines(s.Validate(smallest)))
		}
	})
}
