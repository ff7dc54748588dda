package schema

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/snaphook-dev/snaphook/host"
)

// The bounds of what is said about a document.
const (
	maxProblems = 20
	maxMessage  = 300 // bytes
	maxShown    = 60  // bytes of the document in a message
)

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// hidden stands for a key that is not to be shown.
type hidden struct{}

// pathOf writes keys and indexes as a path.
func pathOf(steps []any) string {
	path := ""
	for _, step := range steps {
		switch step := step.(type) {
		case int:
			path += "[" + strconv.Itoa(step) + "]"
		case string:
			path = host.JoinPath(path, step)
		case hidden:
			path = strings.TrimPrefix(path+".*", ".")
		}
	}
	return path
}

// stepsTo tells indexes from keys in a location of the library.
func stepsTo(doc any, location []string) []any {
	steps := make([]any, len(location))
	for i, key := range location {
		steps[i] = key
		switch at := doc.(type) {
		case map[string]any:
			doc = at[key]
		case []any:
			if index, err := strconv.Atoi(key); err == nil && index < len(at) {
				steps[i], doc = index, at[index]
			}
		}
	}
	return steps
}

// schemaProblems lists what is wrong with a schema.
func schemaProblems(doc any, err error) []host.Problem {
	var schema *jsonschema.SchemaValidationError
	if errors.As(err, &schema) { // it does not unwrap
		err = schema.Err
	}
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		var all []host.Problem
		leaves(invalid, func(e *jsonschema.ValidationError) {
			all = append(all, host.Problem{Path: pathOf(stepsTo(doc, e.InstanceLocation)), Message: localized(e)})
		})
		return sorted(all)
	}
	var load *jsonschema.LoadURLError
	if errors.As(err, &load) {
		return []host.Problem{{Message: fmt.Sprintf("%q: %s", cut(load.URL, maxShown), load.Err)}}
	}
	text := strings.ReplaceAll(strings.ReplaceAll(err.Error(), schemaURL, ""), "\n", " ")
	return []host.Problem{{Message: cut(text, maxMessage)}}
}

// violations lists what is wrong with a value. The value is not quoted: it may be
// secret, or not yet permitted.
func (s *Schema) violations(value any, invalid *jsonschema.ValidationError) []host.Problem {
	var all []host.Problem
	add := func(e *jsonschema.ValidationError, message string, more ...any) {
		steps := append(stepsTo(value, e.InstanceLocation), more...)
		all = append(all, host.Problem{Path: pathOf(s.mask(steps)), Message: message})
	}
	leaves(invalid, func(e *jsonschema.ValidationError) {
		switch k := e.ErrorKind.(type) {
		case *kind.AdditionalProperties:
			for _, name := range k.Properties {
				add(e, "is not a property of the schema", name)
			}
		case *kind.PropertyNames:
			add(e, "has a name that is not allowed", k.Property)
		default:
			add(e, discreet(e))
		}
	})
	return sorted(all)
}

// mask hides the keys that only the value knows.
func (s *Schema) mask(steps []any) []any {
	for i, step := range steps {
		if name, ok := step.(string); ok && s.names != nil && !s.names[name] {
			steps[i] = hidden{}
		}
	}
	return steps
}

// leaves calls each with the errors that have no cause.
func leaves(e *jsonschema.ValidationError, each func(*jsonschema.ValidationError)) {
	if _, whole := e.ErrorKind.(*kind.PropertyNames); whole || len(e.Causes) == 0 {
		each(e)
		return
	}
	for _, cause := range e.Causes {
		leaves(cause, each)
	}
}

// discreet words an error without the value.
func discreet(e *jsonschema.ValidationError) string {
	switch k := e.ErrorKind.(type) {
	case *kind.FalseSchema:
		return "is not allowed here"
	case *kind.Format:
		return "is not a valid " + k.Want
	case *kind.Pattern:
		return "does not match the pattern " + strconv.Quote(cut(k.Want, maxMessage))
	case *kind.Minimum:
		return "must be at least " + decimal(k.Want)
	case *kind.Maximum:
		return "must be at most " + decimal(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + decimal(k.Want)
	}
	return localized(e)
}

func decimal(r *big.Rat) string {
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

func localized(e *jsonschema.ValidationError) string {
	return cut(e.ErrorKind.LocalizedString(message.NewPrinter(language.English)), maxMessage)
}

// sorted orders problems by their place, each once, and drops those too many.
func sorted(problems []host.Problem) []host.Problem {
	slices.SortFunc(problems, func(a, b host.Problem) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Message, b.Message))
	})
	problems = slices.Compact(problems)
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], host.Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	return problems
}
