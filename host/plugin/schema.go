package plugin

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/schema"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

func compileSchema(raw json.RawMessage) (*schema.Schema, []host.Problem) {
	const path = "config_schema"
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

// checkConfig validates a binding's configuration, an object or nil, against the
// plugin's schema.
func checkConfig(m pluginapi.Manifest, path string, config json.RawMessage) []host.Problem {
	if m.ConfigSchema == nil {
		return nil
	}
	compiled, problems := compileSchema(m.ConfigSchema)
	if problems != nil {
		return problems
	}
	if config == nil {
		config = json.RawMessage(`{}`)
	}
	return below(path, compiled.Validate(config))
}
