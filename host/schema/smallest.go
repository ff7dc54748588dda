package schema

import (
	"encoding/json"
	"errors"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The bounds of the search for a value.
const (
	maxSearchDepth = 12
	maxSearchSteps = 20_000
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
