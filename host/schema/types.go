package schema

import "github.com/santhosh-tekuri/jsonschema/v6"

var (
	objectType = typesNamed("object")
	anyType    = typesNamed("null", "boolean", "number", "integer", "string", "array", "object")
)

func typesNamed(names ...string) jsonschema.Types {
	var types jsonschema.Types
	for _, name := range names {
		types.Add(name)
	}
	return types
}

// typing remembers the types of schemas, which may be reached in many ways.
type typing map[*jsonschema.Schema]jsonschema.Types

// of returns the types that a value of the schema may have, as far as types,
// references and combinations say so.
func (t typing) of(s *jsonschema.Schema) jsonschema.Types {
	types, known := t[s]
	if !known {
		types = t.infer(s)
		t[s] = types
	}
	return types
}

func (t typing) infer(s *jsonschema.Schema) jsonschema.Types {
	types := anyType
	switch {
	case s.Bool != nil && !*s.Bool:
		return 0
	case s.Types != nil:
		types = *s.Types
	}
	if s.Ref != nil {
		types &= t.of(s.Ref)
	}
	for _, sub := range s.AllOf {
		types &= t.of(sub)
	}
	for _, choice := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
		if choice != nil {
			types &= t.union(choice)
		}
	}
	return types
}

func (t typing) union(choice []*jsonschema.Schema) jsonschema.Types {
	var types jsonschema.Types
	for _, sub := range choice {
		types |= t.of(sub)
	}
	return types
}
