package schema

import (
	"errors"
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// inPlace returns the schemas that s applies to the very value it is shown.
func inPlace(s *jsonschema.Schema) []*jsonschema.Schema {
	all := slices.Concat(s.AllOf, s.AnyOf, s.OneOf, []*jsonschema.Schema{s.Ref, s.Not, s.If, s.Then, s.Else})
	all = slices.AppendSeq(all, maps.Values(s.DependentSchemas))
	for _, dependency := range s.Dependencies {
		all = append(all, asSchema(dependency))
	}
	return slices.DeleteFunc(all, isNil)
}

// below returns the schemas that s applies to parts of the value.
func below(s *jsonschema.Schema) []*jsonschema.Schema {
	all := slices.Concat(s.PrefixItems, []*jsonschema.Schema{
		asSchema(s.AdditionalProperties), s.PropertyNames, s.UnevaluatedProperties,
		asSchema(s.Items), asSchema(s.AdditionalItems), s.Items2020, s.UnevaluatedItems, s.Contains,
	})
	if items, ok := s.Items.([]*jsonschema.Schema); ok {
		all = append(all, items...)
	}
	all = slices.AppendSeq(all, maps.Values(s.Properties))
	all = slices.AppendSeq(all, maps.Values(s.PatternProperties))
	return slices.DeleteFunc(all, isNil)
}

func isNil(s *jsonschema.Schema) bool { return s == nil }

// asSchema returns the schema in a field of several types, nil for another type.
func asSchema(v any) *jsonschema.Schema {
	s, _ := v.(*jsonschema.Schema)
	return s
}

var (
	errCircle = errors.New("a $ref leads back to itself without a property or an item on the way")
	errChain  = errors.New("too many references and combinations follow one another")
)

// checkGraph refuses schemas that would be applied to one value for ever, or by
// way of very many others.
func checkGraph(root *jsonschema.Schema) error {
	heights := map[*jsonschema.Schema]int{}
	seen := map[*jsonschema.Schema]bool{root: true}
	for queue := []*jsonschema.Schema{root}; len(queue) > 0; {
		s := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if err := measure(s, heights, 0); err != nil {
			return err
		}
		for _, next := range slices.Concat(inPlace(s), below(s)) {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// measuring marks, among the heights, the schemas on the way.
const measuring = -1

// measure finds how far the schemas in place of s reach down.
func measure(s *jsonschema.Schema, heights map[*jsonschema.Schema]int, depth int) error {
	switch height, known := heights[s]; {
	case known && height == measuring:
		return errCircle
	case known && depth+height <= MaxDepth:
		return nil
	case known || depth > MaxDepth:
		return errChain
	}
	heights[s] = measuring
	height := 0
	for _, next := range inPlace(s) {
		if err := measure(next, heights, depth+1); err != nil {
			return err
		}
		height = max(height, heights[next]+1)
	}
	heights[s] = height
	return nil
}
