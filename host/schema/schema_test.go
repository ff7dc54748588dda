package schema_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/schema"
)

const cities = `{
	"title": "Cities", "type": "object", "required": ["cities"], "additionalProperties": false,
	"properties": {"cities": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/City"}}},
	"$defs": {"City": {
		"type": "object", "required": ["name", "population"], "additionalProperties": false,
		"properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "population": {"type": "integer", "minimum": 1}, "founded": {"type": "string", "format": "date"}}
	}}
}`

func output(t *testing.T, text string) *schema.Schema {
	t.Helper()
	s, err := schema.CompileOutput(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func lines(problems []host.Problem) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	return lines
}

func TestValidate(t *testing.T) {
	t.Parallel()
	s := output(t, cities)
	if s.Title() != "Cities" {
		t.Errorf("title = %q", s.Title())
	}
	for _, tc := range []struct {
		value string
		want  []string
	}{
		{`{"cities": [{"name": "Oslo", "population": 700000}]}`, nil},
		{`{"cities": [{"name": "Oslo", "population": "many"}, {"name": "oslo", "population": 0}, {}]}`, []string{
			`cities[0].population: got string, want integer`,
			`cities[1].name: does not match the pattern "^[A-Z]"`,
			`cities[1].population: must be at least 1`,
			`cities[2]: missing properties 'name', 'population'`,
		}},
		{`{"cities": [{"name": "Oslo", "population": 1, "founded": "secret"}]}`, []string{`cities[0].founded: is not a valid date`}},
		{`{"cities": [], "secret": 1, "secret too": 2}`, []string{
			`*: is not a property of the schema`, `cities: minItems: got 0, want 1`,
		}},
		{`[]`, []string{`got array, want object`}},
		{`"Oslo"`, []string{`got string, want object`}},
		{``, []string{`is not JSON: it ends too early`}},
		{`{"cities": [{`, []string{`is not JSON: it ends too early`}},
		{`Oslo is a city.`, []string{`is not JSON from byte 1 on`}},
		{`{} {}`, []string{`is not JSON from byte 5 on`}},
		{"{\"a\": \"\xff\"}", []string{`is not UTF-8 text`}},
		{`{"cities": 1, "cities": 2}`, []string{`has a key twice`}},
		{`{"cities": [{"name": 1e999}]}`, []string{`cities[0].name: is a number that is too large or too long`}},
		{`{"secret": {"cities": 1e999}}`, []string{`*.cities: is a number that is too large or too long`}},
		{`{"cities": [0e99999999999]}`, []string{`cities[0]: is a number that is too large or too long`}},
		{strings.Repeat("[", 70) + strings.Repeat("]", 70), []string{strings.Repeat("[0]", 64) + `: is nested more than 64 levels deep`}},
		{`"` + strings.Repeat("a", schema.MaxValueBytes) + `"`, []string{`has more than 1048576 bytes`}},
	} {
		if diff := cmp.Diff(tc.want, lines(s.Validate(json.RawMessage(tc.value)))); diff != "" {
			t.Errorf("%.80s (-want +got):\n%s", tc.value, diff)
		}
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	t.Parallel()
	var values []string
	for range 30 {
		values = append(values, `0`)
	}
	got := output(t, cities).Validate(json.RawMessage(`{"cities": [` + strings.Join(values, ",") + `]}`))
	if len(got) != 21 || got[20].Message != "and 10 more" {
		t.Errorf("problems = %q", lines(got))
	}
}

// A value of a schema whose problems may be shown names its own keys.
func TestProblemsOfAnOpenValue(t *testing.T) {
	t.Parallel()
	s, err := schema.Compile(json.RawMessage(`{"additionalProperties": false, "properties": {"a": {}, "no": false}, "propertyNames": {"maxLength": 3}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"more: has a name that is not allowed", "more: is not a property of the schema", "no: is not allowed here"}
	if diff := cmp.Diff(want, lines(s.Validate(json.RawMessage(`{"more": 1, "no": 2}`)))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestAnyObject(t *testing.T) {
	t.Parallel()
	s := output(t, ` {"type": "json_object"} `)
	if !s.AnyObject() || s.Title() != "dict" || s.Strict() {
		t.Errorf("any object %v, title %q, strict %v", s.AnyObject(), s.Title(), s.Strict())
	}
	if got := lines(s.Validate(json.RawMessage(`{"a": [1]}`))); got != nil {
		t.Errorf("problems = %q", got)
	}
	if got := lines(s.Validate(json.RawMessage(`[]`))); !cmp.Equal(got, []string{"got array, want object"}) {
		t.Errorf("problems = %q", got)
	}
}

func TestCompileOutputRefuses(t *testing.T) {
	t.Parallel()
	const noObject = `the root must be an object: say "type": "object"`
	for _, tc := range []struct{ schema, want string }{
		{``, `is not JSON: it ends too early`},
		{`{"type": object}`, `is not JSON from byte 10 on`},
		{`5`, `got number, want boolean or object`},
		{`{"type": "objekt"}`, `type: `},
		{`{"type": "object", "properties": {"a": {"minLength": "x"}}}`, `properties.a.minLength: got string, want integer`},
		{`{"type": "object", "pattern": "("}`, "pattern: '(' is not valid regex: error parsing regexp: missing closing ): `(`"},
		{`{"type": "object", "type": "object"}`, `has a key twice`},
		{`true`, noObject},
		{`{}`, noObject},
		{`{"type": "array"}`, noObject},
		{`{"type": ["object", "null"]}`, noObject},
		{`{"type": ["object", "null"], "properties": {}}`, noObject},
		{`{"properties": {}, "anyOf": [{"type": "string"}]}`, noObject},
		{`{"anyOf": [{"type": "object"}, {"type": "string"}]}`, noObject},
		{`{"type": "object", "title": "` + strings.Repeat("a", 101) + `"}`, `title: must have at most 100 characters`},
		{`{"$ref": "file:///etc/passwd"}`, `"file:///etc/passwd": a reference must not leave the document`},
		{`{"type": "object", "properties": {"a": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}}`, `properties.a: "https://json-schema.org/draft/2020-12/schema": a reference must not leave the document`},
		{`{"$schema": "https://example.com/mine"}`, `"https://example.com/mine": a reference must not leave the document`},
		{`{"type": "object", "$ref": "#/$defs/none"}`, `json-pointer in "#/$defs/none" not found`},
		{`{"type": "object", "$dynamicRef": "#a"}`, `["$dynamicRef"]: is not supported; use $ref`},
		{`{"type": "object", "minProperties": 1e999999999}`, `minProperties: is a number that is too large or too long`},
		{`{"type": "object", "a": "` + strings.Repeat("a", schema.MaxBytes) + `"}`, `has more than 65536 bytes`},
	} {
		_, err := schema.CompileOutput(json.RawMessage(tc.schema))
		var refused *host.Error
		if !errors.As(err, &refused) || refused.Code != host.CodeInvalid || len(refused.Problems) == 0 {
			t.Errorf("%.80s: error = %v", tc.schema, err)
			continue
		}
		if got := refused.Problems[0].String(); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%.80s: problem = %q, want %q", tc.schema, got, tc.want)
		}
	}
}

// TestRootWithoutAType: properties alone make an object, and the schema stays as it
// was written.
func TestRootWithoutAType(t *testing.T) {
	t.Parallel()
	const raw = `{"properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}`
	s := output(t, raw)
	for value, want := range map[string][]string{
		`{"a": 1}`: nil, `[]`: {"got array, want object"}, `{"a": "x"}`: {"a: got string, want integer"},
	} {
		if got := lines(s.Validate(json.RawMessage(value))); !cmp.Equal(got, want) {
			t.Errorf("%s: problems = %q, want %q", value, got, want)
		}
	}
	smallest, err := s.Smallest()
	if string(s.JSON()) != raw || s.Strict() || err != nil || string(smallest) != `{"a":0}` {
		t.Errorf("schema %s, strict %t, smallest %s %v", s.JSON(), s.Strict(), smallest, err)
	}
}

func TestExplainShowsAllKeys(t *testing.T) {
	t.Parallel()
	s := output(t, `{"type": "object", "additionalProperties": false}`)
	value := json.RawMessage(`{"secret": 1}`)
	for _, tc := range []struct {
		of   func(json.RawMessage) []host.Problem
		want string
	}{
		{s.Explain, "secret: is not a property of the schema"},
		{s.Validate, "*: is not a property of the schema"},
	} {
		if got := lines(tc.of(value)); !cmp.Equal(got, []string{tc.want}) {
			t.Errorf("problems = %q, want %q", got, tc.want)
		}
	}
}

func TestRootMayBeAReference(t *testing.T) {
	t.Parallel()
	s := output(t, `{"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}}`)
	if got := lines(s.Validate(json.RawMessage(`{"next": {"next": 1}}`))); !cmp.Equal(got, []string{"next.next: got number, want object"}) {
		t.Errorf("problems = %q", got)
	}
}

func TestStrict(t *testing.T) {
	t.Parallel()
	closed := func(properties, more string) string {
		return `{"type": "object", "additionalProperties": false, "required": ["a"], "properties": {"a": ` + properties + `}` + more + `}`
	}
	deep := `{"type": "string"}`
	for range 11 {
		deep = closed(deep, "")
	}
	for _, tc := range []struct {
		schema string
		want   bool
	}{
		{closed(`{"type": ["string", "null"]}`, ""), true},
		{closed(`{"anyOf": [{"type": "integer"}, {"$ref": "#/$defs/b"}]}`, `, "$defs": {"b": {"enum": ["x"]}}`), true},
		{closed(`{"type": "array", "items": {"$ref": "#"}}`, ""), true},
		{cities, false}, // founded is not required
		{`{"type": "object"}`, false},
		{`{"type": "object", "additionalProperties": false}`, true},
		{`{"type": "object", "additionalProperties": false, "properties": {"a": {}}}`, false},
		{closed(`{"type": "object"}`, ""), false},
		{closed(`{"type": ["object", "null"]}`, ""), false},
		{closed(`{"type": "string", "minLength": 1}`, ""), false},
		{closed(`{"type": "string", "format": "uri"}`, ""), false},
		{closed(`{"allOf": [{"type": "string"}]}`, ""), false},
		{closed(`true`, ""), false},
		{closed(`{"type": "array", "items": {"type": "object"}}`, ""), false},
		{closed(`{"type": "array", "items": {"$ref": "#/properties/a"}}`, ""), false},
		{`{"$ref": "#/$defs/a", "$defs": {"a": ` + closed(`{"type": "string"}`, "") + `}}`, false},
		{deep, false},
	} {
		if got := output(t, tc.schema).Strict(); got != tc.want {
			t.Errorf("%s: strict = %v", tc.schema, got)
		}
	}
}

func ExampleSchema_Validate() {
	s, err := schema.CompileOutput(json.RawMessage(`{"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Validate(json.RawMessage(`{"city": "Oslo"}`)))
	fmt.Println(s.Validate(json.RawMessage(`{"city": 5}`)))
	// Output:
	// []
	// [city: got number, want string]
}
