package pluginapi

import (
	"errors"
	"slices"
	"strings"
)

// kindAgent is the kind of a component that names none.
const kindAgent = "agent"

var errComponent = errors.New("must be [agent:|team:|workflow:]id, the id letters, digits, - and _")

// ParseComponent reads the name of a component as manifests, configurations and
// hooks write it, [kind:]id: an agent where it has no kind.
func ParseComponent(name string) (Component, error) {
	kind, id, has := strings.Cut(name, ":")
	if !has {
		kind, id = kindAgent, name
	}
	if !slices.Contains([]string{kindAgent, "team", "workflow"}, kind) || !validComponentID(id) {
		return Component{}, errComponent
	}
	return Component{Kind: kind, ID: id}, nil
}
