package schema

import (
	"regexp"
	"slices"
)

// The bounds of a strict schema, by the documentation of OpenAI's structured
// outputs.
const (
	maxStrictDepth      = 10
	maxStrictProperties = 5000
	maxStrictEnum       = 1000
)

// strictKeywords are those a strict schema may use.
var strictKeywords = []string{
	"$schema", "$defs", "definitions", "$ref", "title", "description", "type", "properties", "required",
	"additionalProperties", "items", "anyOf", "enum", "const", "pattern", "format", "multipleOf",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
}

var strictFormats = []string{"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}

// strictReference leads to the root or to a definition.
var strictReference = regexp.MustCompile(`^#(/(\$defs|definitions)/[^/]+)?$`)

// Strict reports whether OpenAI's strict mode takes the schema: every object is
// closed and requires all its properties, and only some keywords are used.
func (s *Schema) Strict() bool {
	_, typed := s.document["type"]
	_, union := s.document["anyOf"]
	_, reference := s.document["$ref"]
	if s.any || !typed || union || reference {
		return false
	}
	var c strictCheck
	return c.schema(s.document, 0) && c.properties <= maxStrictProperties && c.enum <= maxStrictEnum
}

type strictCheck struct{ properties, enum int }

func (c *strictCheck) schema(doc any, depth int) bool {
	members, ok := doc.(map[string]any)
	if !ok || depth > maxStrictDepth {
		return false
	}
	for keyword := range members {
		if !slices.Contains(strictKeywords, keyword) {
			return false
		}
	}
	if ref, is := members["$ref"].(string); is && !strictReference.MatchString(ref) {
		return false
	}
	if format, is := members["format"].(string); is && !slices.Contains(strictFormats, format) {
		return false
	}
	enum, _ := members["enum"].([]any)
	c.enum += len(enum)
	return c.object(members) && c.parts(members, depth)
}

// object reports whether a schema that describes an object is closed and complete.
func (c *strictCheck) object(members map[string]any) bool {
	properties, _ := members["properties"].(map[string]any)
	c.properties += len(properties)
	if properties == nil && !mayBeObject(members["type"]) {
		return true
	}
	required, _ := members["required"].([]any)
	for name := range properties {
		if !slices.Contains(required, any(name)) {
			return false
		}
	}
	return members["additionalProperties"] == false && len(required) == len(properties)
}

func mayBeObject(types any) bool {
	list, _ := types.([]any)
	return types == "object" || slices.Contains(list, any("object"))
}

// parts checks the schemas in a schema.
func (c *strictCheck) parts(members map[string]any, depth int) bool {
	for _, keyword := range []string{"properties", "$defs", "definitions"} {
		below := depth
		if keyword == "properties" {
			below++
		}
		schemas, _ := members[keyword].(map[string]any)
		for _, doc := range schemas {
			if !c.schema(doc, below) {
				return false
			}
		}
	}
	if items, is := members["items"]; is && !c.schema(items, depth+1) {
		return false
	}
	choices, _ := members["anyOf"].([]any)
	return !slices.ContainsFunc(choices, func(doc any) bool { return !c.schema(doc, depth) })
}
