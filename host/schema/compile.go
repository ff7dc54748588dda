package schema

import (
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/snaphook-dev/snaphook/host"
)

// schemaURL is the base of references inside a schema.
const schemaURL = "schema:///root"

// maxSubschemas bounds how many schemas a schema may hold: compiling takes the
// square of it.
const maxSubschemas = 2000

func compile(doc any) (*jsonschema.Schema, error) {
	patterns := &patterns{left: maxPatternSizes}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(refuseToLoad{})
	c.UseRegexpEngine(patterns.compile)
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, err
	}
	compiled, err := c.Compile(schemaURL)
	patterns.done = true
	return compiled, err
}

var errLeaves = errors.New("a reference must not leave the document")

// refuseToLoad keeps a schema from making the host read files or URLs.
type refuseToLoad struct{}

func (refuseToLoad) Load(string) (any, error) { return nil, errLeaves }

// checkDocument finds what must not come to the library.
func checkDocument(doc any) *host.Problem {
	w := documentWalk{left: maxSubschemas}
	w.visit(nil, doc)
	if w.left < 0 {
		return &host.Problem{Message: fmt.Sprintf("has more than %d objects and truth values", maxSubschemas)}
	}
	return w.problem
}

type documentWalk struct {
	left    int
	problem *host.Problem
}

func (w *documentWalk) visit(at []any, doc any) {
	switch doc := doc.(type) {
	case bool:
		w.left--
	case []any:
		for i, item := range doc {
			w.visit(append(at, i), item)
		}
	case map[string]any:
		w.left--
		w.references(at, doc)
		for key, value := range doc {
			w.visit(append(at, key), value)
		}
	}
}

// references refuses those that leave the document, and the dynamic ones, whose
// cost cannot be told beforehand.
func (w *documentWalk) references(at []any, doc map[string]any) {
	if ref, _ := doc["$ref"].(string); ref != "" && !strings.HasPrefix(ref, "#") {
		w.problem = &host.Problem{Path: pathOf(at), Message: fmt.Sprintf("%q: %s", cut(ref, maxShown), errLeaves)}
	}
	for _, key := range []string{"$dynamicRef", "$recursiveRef"} {
		if _, is := doc[key].(string); is {
			w.problem = &host.Problem{Path: pathOf(append(at, key)), Message: "is not supported; use $ref"}
		}
	}
}

// refusal is the error of a schema that is not taken.
func refusal(problems ...host.Problem) error {
	return &host.Error{Code: host.CodeInvalid, Message: "the schema is refused", Problems: problems}
}
