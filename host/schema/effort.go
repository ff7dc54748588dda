package schema

import "github.com/santhosh-tekuri/jsonschema/v6"

// maxEffort bounds how often schemas are applied to one document and its parts.
// It is about a second.
const maxEffort = 1_000_000

// meter counts what checking a value would take before the library begins, which
// nothing can stop: some schemas double the work with each level of the value.
type meter struct{ left int }

// visit reports whether the effort suffices.
func (m *meter) visit(s *jsonschema.Schema, value any) bool {
	m.left -= 1 + len(s.Required)
	if s.Enum != nil {
		m.left -= len(s.Enum.Values)
	}
	if m.left < 0 {
		return false
	}
	for _, next := range inPlace(s) {
		if !m.visit(next, value) {
			return false
		}
	}
	switch value := value.(type) {
	case string:
		m.match(s.Pattern, value)
	case []any:
		return m.items(s, value)
	case map[string]any:
		return m.members(s, value)
	}
	return m.left >= 0
}

func (m *meter) items(s *jsonschema.Schema, items []any) bool {
	for i, item := range items {
		for _, next := range itemSchemas(s, i) {
			if !m.visit(next, item) {
				return false
			}
		}
	}
	return true
}

// itemSchemas returns what applies to the item at an index.
func itemSchemas(s *jsonschema.Schema, i int) []*jsonschema.Schema {
	var all []*jsonschema.Schema
	add := func(s *jsonschema.Schema) {
		if s != nil {
			all = append(all, s)
		}
	}
	first := s.PrefixItems
	if list, ok := s.Items.([]*jsonschema.Schema); ok { // before draft 2020-12
		first = list
	}
	if i < len(first) {
		add(first[i])
	} else {
		add(s.Items2020)
		add(asSchema(s.AdditionalItems))
	}
	add(asSchema(s.Items))
	add(s.Contains)
	add(s.UnevaluatedItems)
	return all
}

func (m *meter) members(s *jsonschema.Schema, members map[string]any) bool {
	for name, value := range members {
		for re := range s.PatternProperties {
			m.match(re, name)
		}
		if s.PropertyNames != nil && !m.visit(s.PropertyNames, name) {
			return false
		}
		for _, next := range memberSchemas(s, name) {
			if !m.visit(next, value) {
				return false
			}
		}
	}
	return true
}

// memberSchemas returns what applies to the member of that name.
func memberSchemas(s *jsonschema.Schema, name string) []*jsonschema.Schema {
	var all []*jsonschema.Schema
	if property := s.Properties[name]; property != nil {
		all = append(all, property)
	}
	for re, property := range s.PatternProperties {
		if re.MatchString(name) {
			all = append(all, property)
		}
	}
	if other := asSchema(s.AdditionalProperties); other != nil && len(all) == 0 {
		all = append(all, other)
	}
	if s.UnevaluatedProperties != nil {
		all = append(all, s.UnevaluatedProperties)
	}
	return all
}

// match counts what matching a pattern takes.
func (m *meter) match(re jsonschema.Regexp, text string) {
	if p, ok := re.(pattern); ok {
		m.left -= 1 + p.size*len(text)/64
	}
}
