package openaitest

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Format is the form that a request asks the answer to have.
type Format struct {
	// Type is text, json_object or json_schema; the rest is of json_schema only.
	Type   string          `json:"type"`
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict *bool           `json:"strict"`
}

// chatFormat is how Chat nests a Format.
type chatFormat struct {
	Type       string `json:"type"`
	JSONSchema *struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict *bool           `json:"strict"`
	} `json:"json_schema"`
}

func (f *chatFormat) flat() *Format {
	if f == nil {
		return nil
	}
	flat := &Format{Type: f.Type}
	if s := f.JSONSchema; s != nil {
		flat.Name, flat.Schema, flat.Strict = s.Name, s.Schema, s.Strict
	}
	return flat
}

var formatName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// checkFormat refuses what OpenAI refuses.
func checkFormat(req Request) error {
	f := req.Format
	if f == nil {
		return nil
	}
	switch f.Type {
	case "text":
		return nil
	case "json_object":
		if !slices.ContainsFunc(req.Messages, func(m Message) bool { return strings.Contains(strings.ToLower(m.Content), "json") }) {
			return errors.New("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'")
		}
		return nil
	case "json_schema":
		return checkSchema(f)
	}
	return fmt.Errorf("invalid value: %q; supported values are 'text', 'json_object' and 'json_schema'", f.Type)
}

func checkSchema(f *Format) error {
	if !formatName.MatchString(f.Name) {
		return fmt.Errorf("invalid 'name' %q: string does not match pattern", f.Name)
	}
	var schema map[string]any
	if err := json.Unmarshal(f.Schema, &schema); err != nil {
		return fmt.Errorf("invalid schema for response_format '%s': %w", f.Name, err)
	}
	if schema["type"] != "object" {
		return fmt.Errorf("invalid schema for response_format '%s': schema must be of type \"object\"", f.Name)
	}
	if f.Strict != nil && *f.Strict && !isClosed(schema) {
		return fmt.Errorf("invalid schema for response_format '%s': 'additionalProperties' must be false and every property required", f.Name)
	}
	return nil
}

// isClosed reports whether every object in a schema is closed and requires all
// its properties.
func isClosed(doc any) bool {
	switch doc := doc.(type) {
	case []any:
		return !slices.ContainsFunc(doc, func(item any) bool { return !isClosed(item) })
	case map[string]any:
		properties, _ := doc["properties"].(map[string]any)
		required, _ := doc["required"].([]any)
		if doc["type"] == "object" && (doc["additionalProperties"] != false || len(required) != len(properties)) {
			return false
		}
		for _, part := range doc {
			if !isClosed(part) {
				return false
			}
		}
	}
	return true
}
