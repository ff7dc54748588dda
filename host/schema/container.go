package schema

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// maxSearchSize bounds the items or members of a value that is made up.
const maxSearchSize = 100

// containers returns the list and the object that may fit.
func (g *search) containers(all []*jsonschema.Schema, depth int) []any {
	var found []any
	if list, ok := g.list(all, depth); ok {
		found = append(found, list)
	}
	if object, ok := g.object(all, depth); ok {
		found = append(found, object)
	}
	return found
}

// needsParts reports whether an empty object or list would not do.
func needsParts(all []*jsonschema.Schema) bool {
	return slices.ContainsFunc(all, func(s *jsonschema.Schema) bool {
		return len(s.Required) > 0 || atLeast(s.MinProperties) > 0 || atLeast(s.MinItems) > 0 || s.Contains != nil
	})
}

func atLeast(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}

func (g *search) object(all []*jsonschema.Schema, depth int) (any, bool) {
	object := map[string]any{}
	for _, name := range requiredNames(all) {
		var of []*jsonschema.Schema
		for _, s := range all {
			if s.AdditionalProperties == false && len(memberSchemas(s, name)) == 0 {
				return nil, false
			}
			of = append(of, memberSchemas(s, name)...)
		}
		value, ok := g.value(of, depth)
		if !ok {
			return nil, false
		}
		object[name] = value
	}
	return object, true
}

// requiredNames returns the names that an object must have, and as many more as
// it needs.
func requiredNames(all []*jsonschema.Schema) []string {
	var names, others []string
	least := 0
	for _, s := range all {
		names = append(names, s.Required...)
		others = append(others, slices.Sorted(maps.Keys(s.Properties))...)
		least = max(least, min(atLeast(s.MinProperties), maxSearchSize))
	}
	for i := 0; i < len(names); i++ {
		for _, s := range all {
			names = append(names, dependents(s, names[i], names)...)
		}
	}
	for i := range least {
		others = append(others, "p"+strconv.Itoa(i))
	}
	slices.Sort(names)
	names = slices.Compact(names)
	for _, name := range others {
		if len(names) >= least {
			break
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// dependents returns the names that a name brings with it, without those known.
func dependents(s *jsonschema.Schema, name string, known []string) []string {
	list, _ := s.Dependencies[name].([]string)
	return slices.DeleteFunc(slices.Concat(list, s.DependentRequired[name]), func(name string) bool {
		return slices.Contains(known, name)
	})
}

func (g *search) list(all []*jsonschema.Schema, depth int) (any, bool) {
	items := []any{}
	unique := slices.ContainsFunc(all, func(s *jsonschema.Schema) bool { return s.UniqueItems })
	for i := range itemCount(all) {
		var of []*jsonschema.Schema
		for _, s := range all {
			of = append(of, itemSchemas(s, i)...)
		}
		value, ok := g.value(of, depth)
		if !ok {
			return nil, false
		}
		if unique {
			value = g.another(of, value, items)
		}
		items = append(items, value)
	}
	return items, true
}

func itemCount(all []*jsonschema.Schema) int {
	count := 0
	for _, s := range all {
		count = max(count, atLeast(s.MinItems))
		if s.Contains != nil {
			count = max(count, 1, atLeast(s.MinContains))
		}
	}
	return min(count, maxSearchSize)
}

// another returns a value that the list does not hold yet, if one is found.
func (g *search) another(all []*jsonschema.Schema, value any, items []any) any {
	taken := map[string]bool{}
	for _, item := range items {
		taken[key(item)] = true
	}
	if !taken[key(value)] {
		return value
	}
	for _, other := range append(fixed(all), variations(value, len(items))...) {
		if !taken[key(other)] && g.fits(all, other) {
			return other
		}
	}
	return value
}

func key(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // values are made of JSON
		panic(err)
	}
	return string(text)
}
