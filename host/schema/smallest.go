package schema

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The bounds of the search for a value.
const (
	maxSearchDepth = 12
	maxSearchSteps = 20_000
	maxSearchSize  = 100 // items or members
)

var errNoSmallest = errors.New("no value that fits the schema was found")

// Smallest returns a valid value that is nested as little as can be, and short.
// For some schemas it finds none, which is an error.
func (s *Schema) Smallest() (json.RawMessage, error) {
	for depth := range maxSearchDepth {
		search := search{steps: maxSearchSteps, effort: meter{left: maxEffort}}
		value, ok := search.value([]*jsonschema.Schema{s.compiled}, depth)
		if !ok {
			continue
		}
		text, err := json.Marshal(value)
		if err == nil && s.Validate(text) == nil {
			return text, nil
		}
	}
	return nil, errNoSmallest
}

// search builds values that fit several schemas at once.
type search struct {
	steps  int
	effort meter
}

// value returns a value that fits all schemas, with objects and lists nested at
// most depth levels below it.
func (g *search) value(all []*jsonschema.Schema, depth int) (any, bool) {
	return g.settle(nil, all, nil, depth)
}

// settle adds to the settled schemas those that are open, with what they apply in
// place, and tries each way through the choices they leave.
func (g *search) settle(settled, open []*jsonschema.Schema, choices [][][]*jsonschema.Schema, depth int) (any, bool) {
	if g.steps--; g.steps < 0 {
		return nil, false
	}
	settled = slices.Clone(settled)
	for open = slices.Clone(open); len(open) > 0; open = open[1:] {
		s := open[0]
		settled = append(settled, s)
		open = append(open, s.AllOf...)
		if s.Ref != nil {
			open = append(open, s.Ref)
		}
		choices = append(choices[:len(choices):len(choices)], choicesOf(s)...)
	}
	if len(choices) == 0 {
		return g.build(settled, depth)
	}
	var found []any
	for _, way := range choices[0] {
		if value, ok := g.settle(settled, way, choices[1:], depth); ok {
			found = append(found, value)
		}
	}
	return shortest(found)
}

// choicesOf returns the choices of a schema, each a list of ways.
func choicesOf(s *jsonschema.Schema) [][][]*jsonschema.Schema {
	var choices [][][]*jsonschema.Schema
	for _, alternatives := range [][]*jsonschema.Schema{s.AnyOf, s.OneOf} {
		var ways [][]*jsonschema.Schema
		for _, alternative := range alternatives {
			ways = append(ways, []*jsonschema.Schema{alternative})
		}
		if ways != nil {
			choices = append(choices, ways)
		}
	}
	if s.If != nil {
		then := slices.DeleteFunc([]*jsonschema.Schema{s.If, s.Then}, isNil)
		otherwise := slices.DeleteFunc([]*jsonschema.Schema{s.Else}, isNil)
		choices = append(choices, [][]*jsonschema.Schema{otherwise, then})
	}
	return choices
}

// build makes a value for schemas without open choices.
func (g *search) build(all []*jsonschema.Schema, depth int) (any, bool) {
	candidates := fixed(all)
	if candidates == nil {
		candidates = append(scalars(all), examples(all)...)
		if depth > 0 || !needsParts(all) {
			candidates = append(candidates, g.containers(all, depth-1)...)
		}
	}
	return shortest(slices.DeleteFunc(candidates, func(v any) bool { return !g.fits(all, v) }))
}

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

// fits reports whether a value fits, as far as there is effort left to tell.
func (g *search) fits(all []*jsonschema.Schema, value any) bool {
	return !slices.ContainsFunc(all, func(s *jsonschema.Schema) bool {
		return !g.effort.visit(s, value) || s.Validate(value) != nil
	})
}

func shortest(values []any) (any, bool) {
	if len(values) == 0 {
		return nil, false
	}
	return slices.MinFunc(values, func(a, b any) int { return length(a) - length(b) }), true
}

// length is that of the JSON text.
func length(v any) int {
	text, err := json.Marshal(v)
	if err != nil { // values are made of JSON
		panic(err)
	}
	return len(text)
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
