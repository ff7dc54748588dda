package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/schema"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// configSchemaPath is where a manifest has the schema of its configuration.
const configSchemaPath = "config_schema"

// compileSchema reads the schema that a manifest has at a path.
func compileSchema(path string, raw json.RawMessage) (*schema.Schema, []host.Problem) {
	compiled, err := schema.Compile(raw)
	var refused *host.Error
	switch {
	case errors.As(err, &refused):
		return nil, below(path, refused.Problems)
	case err != nil:
		return nil, []host.Problem{{Path: path, Message: err.Error()}}
	}
	return compiled, nil
}

// below puts the paths of problems below a path.
func below(path string, problems []host.Problem) []host.Problem {
	for i, p := range problems {
		switch {
		case p.Path == "":
			problems[i].Path = path
		case strings.HasPrefix(p.Path, "["):
			problems[i].Path = path + p.Path
		default:
			problems[i].Path = path + "." + p.Path
		}
	}
	return problems
}

// maxSchemaTime bounds how long the configurations of one request are checked.
// One check ends by itself, in a second at most.
const maxSchemaTime = 2 * time.Second

// configChecks checks the configurations of one request against the schemas of
// their plugins, each of which is compiled once.
type configChecks struct {
	now     func() time.Time
	spent   time.Duration
	schemas map[string]*schema.Schema
}

func (r *Registry) newConfigChecks() *configChecks {
	return &configChecks{now: r.now, schemas: map[string]*schema.Schema{}}
}

// check returns what is wrong with a configuration, an object or nil.
func (c *configChecks) check(m pluginapi.Manifest, path string, config json.RawMessage) []host.Problem {
	switch {
	case m.ConfigSchema == nil:
		return nil
	case c.spent > maxSchemaTime:
		return []host.Problem{{Path: path, Message: fmt.Sprintf("is not checked: the config_schema of this plugin, or of those before, "+
			"takes more than %s", maxSchemaTime)}}
	}
	began := c.now()
	defer func() { c.spent += c.now().Sub(began) }()
	compiled, problems := c.compile(m)
	if problems != nil {
		return problems
	}
	if config == nil {
		config = json.RawMessage(`{}`)
	}
	return below(path, compiled.Validate(config))
}

func (c *configChecks) compile(m pluginapi.Manifest) (*schema.Schema, []host.Problem) {
	key := m.Name + " " + m.Version
	if compiled := c.schemas[key]; compiled != nil {
		return compiled, nil
	}
	compiled, problems := compileSchema(configSchemaPath, m.ConfigSchema)
	c.schemas[key] = compiled
	return compiled, problems
}
