// Package schema checks values against JSON Schemas that strangers wrote. A
// schema loads nothing, and neither it nor the value it is shown can take more
// than a bounded time and memory.
package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/snaphook-dev/snaphook/host"
)

// The bounds of a schema and of a value that is checked.
const (
	MaxBytes      = 64 << 10
	MaxValueBytes = 1 << 20
	MaxDepth      = 64
	MaxTitleRunes = 100
)

// DefaultTitle is the title of a schema that has none.
const DefaultTitle = "DynamicModel"

// Schema is a JSON Schema ready to use. It is safe for concurrent use.
type Schema struct {
	compiled *jsonschema.Schema
	raw      json.RawMessage
	document map[string]any // nil for true and false
	// names are the keys in the document, nil when those of a value may be shown.
	names map[string]bool
	any   bool
}

// Compile reads a schema, of draft 2020-12 unless it says otherwise. Its error is
// a *host.Error, CodeInvalid, whose problems have their paths in the schema.
func Compile(raw json.RawMessage) (*Schema, error) {
	doc, flaw := decode(raw, MaxBytes)
	if flaw != nil {
		return nil, refusal(flaw.problem())
	}
	if problem := checkDocument(doc); problem != nil {
		return nil, refusal(*problem)
	}
	compiled, err := compile(doc)
	if err != nil {
		return nil, refusal(schemaProblems(doc, err)...)
	}
	if err := checkGraph(compiled); err != nil {
		return nil, refusal(host.Problem{Message: err.Error()})
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, fmt.Errorf("compact schema: %w", err)
	}
	document, _ := doc.(map[string]any)
	return &Schema{compiled: compiled, raw: compact.Bytes(), document: document}, nil
}

// anyObject is what AgentOS clients send to ask for an object of any kind.
const anyObject = "json_object"

// CompileOutput is Compile for what a model is to answer: the root must say that
// it is an object, or have properties and no type, and then nothing but an object
// fits. {"type":"json_object"} is any object. What the problems of a
// value say does not quote the value.
func CompileOutput(raw json.RawMessage) (*Schema, error) {
	if isAnyObject(raw) {
		s, err := Compile(json.RawMessage(`{"type":"object"}`))
		if err != nil {
			return nil, err
		}
		s.any, s.names = true, map[string]bool{}
		return s, nil
	}
	s, err := Compile(raw)
	if err != nil {
		return nil, err
	}
	if _, implied := s.document["properties"]; implied && s.compiled.Types == nil {
		object := objectType
		s.compiled.Types = &object
	}
	if types := (typing{}).of(s.compiled); types != objectType {
		return nil, refusal(host.Problem{Message: `the root must be an object: say "type": "object"`})
	}
	if utf8.RuneCountInString(s.Title()) > MaxTitleRunes {
		return nil, refusal(host.Problem{Path: "title", Message: fmt.Sprintf("must have at most %d characters", MaxTitleRunes)})
	}
	s.names = map[string]bool{}
	addNames(s.names, s.document)
	return s, nil
}

func isAnyObject(raw json.RawMessage) bool {
	var members map[string]any
	return len(raw) <= MaxBytes && json.Unmarshal(raw, &members) == nil && len(members) == 1 && members["type"] == anyObject
}

// AnyObject reports whether the schema is {"type":"json_object"}.
func (s *Schema) AnyObject() bool { return s.any }

// JSON returns the schema without white space. It must not be changed.
func (s *Schema) JSON() json.RawMessage { return s.raw }

// Title names the type that the schema describes as AgentOS does.
func (s *Schema) Title() string {
	if s.any {
		return "dict"
	}
	if title, _ := s.document["title"].(string); title != "" {
		return title
	}
	return DefaultTitle
}

// Validate returns what is wrong with a value, each problem with its path, sorted;
// nil when the value fits.
func (s *Schema) Validate(value json.RawMessage) []host.Problem {
	decoded, flaw := decode(value, MaxValueBytes)
	if flaw != nil {
		flaw.at = s.mask(flaw.at)
		return []host.Problem{flaw.problem()}
	}
	return s.validate(decoded)
}

// Explain is Validate for whoever made the value: it shows all keys.
func (s *Schema) Explain(value json.RawMessage) []host.Problem {
	open := *s
	open.names = nil
	return open.Validate(value)
}

func (s *Schema) validate(value any) []host.Problem {
	effort := meter{left: maxEffort}
	if !effort.visit(s.compiled, value) {
		return []host.Problem{{Message: "takes too much work to check against the schema"}}
	}
	var invalid *jsonschema.ValidationError
	if err := s.compiled.Validate(value); errors.As(err, &invalid) {
		return s.violations(value, invalid)
	}
	return nil
}

// addNames collects the keys of all objects in a document.
func addNames(names map[string]bool, doc any) {
	switch doc := doc.(type) {
	case map[string]any:
		for key, value := range doc {
			names[key] = true
			addNames(names, value)
		}
	case []any:
		for _, item := range doc {
			addNames(names, item)
		}
	}
}
