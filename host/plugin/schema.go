package plugin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// schemaURL is the base of references inside a config schema.
const schemaURL = "plugin:///config_schema"

// compileSchema compiles a config schema. References may only lead to the
// schema itself and to the published drafts.
func compileSchema(raw json.RawMessage) (*jsonschema.Schema, []host.Problem) {
	const path = "config_schema"
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, []host.Problem{{Path: path, Message: "is not JSON"}}
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	c.UseLoader(refuseToLoad{})
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, schemaProblems(path, err)
	}
	schema, err := c.Compile(schemaURL)
	if err != nil {
		return nil, schemaProblems(path, err)
	}
	return schema, nil
}

// refuseToLoad keeps a schema from making the host read files or URLs.
type refuseToLoad struct{}

func (refuseToLoad) Load(string) (any, error) {
	return nil, errors.New("a reference must not leave the document")
}

// checkConfig validates a binding's configuration, an object or nil, against the
// plugin's schema.
func checkConfig(m pluginapi.Manifest, path string, config json.RawMessage) []host.Problem {
	if m.ConfigSchema == nil {
		return nil
	}
	schema, problems := compileSchema(m.ConfigSchema)
	if problems != nil {
		return problems
	}
	if config == nil {
		config = json.RawMessage(`{}`)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(config))
	if err != nil {
		return []host.Problem{{Path: path, Message: "is not JSON"}}
	}
	if err := schema.Validate(doc); err != nil {
		return schemaProblems(path, err)
	}
	return nil
}

// schemaProblems lists what a schema or a document broke, each with its place.
func schemaProblems(path string, err error) []host.Problem {
	var schema *jsonschema.SchemaValidationError
	if errors.As(err, &schema) { // it does not unwrap
		err = schema.Err
	}
	var invalid *jsonschema.ValidationError
	if errors.As(err, &invalid) {
		all := violations(path, invalid)
		slices.SortFunc(all, func(a, b host.Problem) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Message, b.Message))
		})
		return all
	}
	var load *jsonschema.LoadURLError
	if errors.As(err, &load) {
		return []host.Problem{{Path: path, Message: fmt.Sprintf("%q: %s", cut(load.URL), load.Err)}}
	}
	text := strings.ReplaceAll(err.Error(), schemaURL, "config_schema")
	return []host.Problem{{Path: path, Message: strings.ReplaceAll(text, "\n", " ")}}
}

// violations flattens the tree of a validation error to its leaves, in no order.
func violations(path string, e *jsonschema.ValidationError) []host.Problem {
	if len(e.Causes) == 0 {
		for _, key := range e.InstanceLocation {
			path = join(path, key)
		}
		printer := message.NewPrinter(language.English)
		return []host.Problem{{Path: path, Message: e.ErrorKind.LocalizedString(printer)}}
	}
	var all []host.Problem
	for _, cause := range e.Causes {
		all = append(all, violations(path, cause)...)
	}
	return all
}
