package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host/schema"
)

// attack is a schema that would take for ever, or all memory, with a value to
// check.
type attack struct{ name, schema, value string }

func hostile() []attack {
	object := func(more string) string { return `{"type": "object", ` + more + `}` }
	many := func(n int, f func(i int) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = f(i)
		}
		return strings.Join(items, ",")
	}
	return []attack{
		{"reference to itself", object(`"$ref": "#"`), `{}`},
		{"circle of references", object(`"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}`), `{}`},
		{"doubling in place", object(`"allOf": [{"$ref": "#/$defs/0"}], "$defs": {` + many(30, func(i int) string {
			return fmt.Sprintf(`"%d": {"anyOf": [{"$ref": "#/$defs/%d"}, {"$ref": "#/$defs/%d"}]}`, i, i+1, i+1)
		}) + `, "30": {"type": "string"}}`), `{}`},
		{"doubling with each level", object(`"properties": {"a": {"$ref": "#"}}, "allOf": [{"properties": {"a": {"$ref": "#"}}}]`), strings.Repeat(`{"a":`, 60) + `{}` + strings.Repeat(`}`, 60)},
		{"long chain", object(`"$ref": "#/$defs/0", "$defs": {` + many(1000, func(i int) string {
			return fmt.Sprintf(`"%d": {"$ref": "#/$defs/%d"}`, i, i+1)
		}) + `, "1000": {}}`), `{}`},
		{"many schemas", object(`"properties": {` + many(1900, func(i int) string { return fmt.Sprintf(`"%d":{}`, i) }) + `}`), `{}`},
		{"too many schemas", object(`"anyOf": [` + many(6000, func(int) string { return "true" }) + `]`), `{}`},
		{"references to odd places", object(`"x": {` + many(600, func(i int) string { return fmt.Sprintf(`"%d":{}`, i) }) + `}, "anyOf": [` + many(600, func(i int) string {
			return fmt.Sprintf(`{"$ref":"#/x/%d"}`, i)
		}) + `]`), `{}`},
		{"many ids", object(`"anyOf": [` + many(1900, func(i int) string { return fmt.Sprintf(`{"$id":"a:%d"}`, i) }) + `]`), `{}`},
		{"many anchors", object(`"anyOf": [` + many(1900, func(i int) string { return fmt.Sprintf(`{"$anchor":"a%d"}`, i) }) + `]`), `{}`},
		{"huge enum", object(`"properties": {"a": {"items": {"enum": [` + many(10000, func(i int) string { return fmt.Sprint(i) }) + `]}}}`), `{"a": [` + many(10000, func(int) string { return "-1" }) + `]}`},
		{"huge numbers", object(`"properties": {"a": {"minimum": 1e300, "multipleOf": 1e-9999}}`), `{"a": 1e308}`},
		{"numbers without bound", object(`"properties": {"a": {"enum": [1e999999999]}}`), `{"a": 1E999999999}`},
		{"large pattern", object(`"properties": {"a": {"pattern": "((a{30}){30})*$"}}`), `{"a": "` + strings.Repeat("a", 500_000) + `b"}`},
		{"larger pattern", object(`"properties": {"a": {"pattern": "(\\pL{30}){30}"}}`), `{"a": ""}`},
		{"many patterns", object(`"anyOf": [` + many(1900, func(int) string { return `{"pattern":"a{1000}"}` }) + `]`), `{}`},
		{"pattern of groups", object(`"pattern": "` + strings.Repeat("(", 900) + strings.Repeat(")", 900) + `"`), `{}`},
		{"value that is a pattern", object(`"properties": {"a": {"format": "regex"}}`), `{"a": "(a{1000}){1000}"}`},
		{"deep schema", strings.Repeat(`{"type":"object","properties":{"a":`, 40) + `{}` + strings.Repeat(`}}`, 40), `{}`},
		{"long list wanted", object(`"required": ["a"], "properties": {"a": {"type": "array", "minItems": 1e9, "uniqueItems": true}}`), `{}`},
		{"many members wanted", object(`"minProperties": 1000000000`), `{}`},
		{"long text wanted", object(`"required": ["a"], "properties": {"a": {"type": "string", "minLength": 1000000000}}`), `{}`},
		{"choices everywhere", object(`"required": ["a", "b"], "properties": {"a": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}, "b": {"oneOf": [{"$ref": "#"}, {"$ref": "#"}]}}`), `{}`},
		{"unique objects", object(`"properties": {"a": {"uniqueItems": true}}`), `{"a": [` + many(20000, func(i int) string { return fmt.Sprintf(`{"a":%d}`, i) }) + `]}`},
	}
}

// The test ends, which is what it is about; memory is bounded by what a test may
// take.
func TestHostileSchemas(t *testing.T) {
	t.Parallel()
	for _, tc := range hostile() {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := schema.CompileOutput(json.RawMessage(tc.schema))
			if err != nil {
				t.Logf("refused: %.200s", err)
				return
			}
			t.Logf("problems: %.200q", lines(s.Validate(json.RawMessage(tc.value))))
			smallest, err := s.Smallest()
			if err == nil && s.Validate(smallest) != nil {
				t.Errorf("smallest = %.200s", smallest)
			}
		})
	}
}
