package config

import (
	"regexp"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// componentID keeps ids fit for a path of the HTTP API.
var componentID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)

func (l *loader) componentID(n *node) string {
	id := l.text(n)
	if n.kind == kindText && !componentID.MatchString(id) {
		l.problem(n, "%q is not an id: letters, digits, - and _, at most 63", id)
	}
	return id
}

// identifiers are the lines of what a list has, by id.
type identifiers map[string]int

// unique adds the id of n, which must be new; an id that is missing is a problem
// already.
func (l *loader) unique(ids identifiers, n *node, id string) {
	if id == "" {
		return
	}
	if first, repeated := ids[id]; repeated {
		l.problem(n, "repeats the id %s of line %d", id, first)
		return
	}
	ids[id] = n.line
}

// components are the ids that members and steps can name.
type components struct {
	agents, teams []string
}

func (c *Config) components() components {
	var known components
	add := func(ids *[]string, id string) {
		if id != "" && !slices.Contains(*ids, id) {
			*ids = append(*ids, id)
		}
	}
	for _, a := range c.Agents {
		add(&known.agents, a.ID)
	}
	for _, t := range c.Teams {
		add(&known.teams, t.ID)
	}
	return known
}

// agentNamed is the agent whose id n has.
func (l *loader) agentNamed(n *node, known components) host.BindingScope {
	return host.BindingScope{Kind: host.KindAgent, ID: l.known(n, "agents", known.agents)}
}

// teamNamed is the team whose id n has.
func (l *loader) teamNamed(n *node, known components) host.BindingScope {
	return host.BindingScope{Kind: host.KindTeam, ID: l.known(n, "teams", known.teams)}
}

func (l *loader) known(n *node, what string, ids []string) string {
	id := l.text(n)
	switch {
	case slices.Contains(ids, id):
		return id
	case n.kind != kindText:
	case len(ids) == 0:
		l.problem(n, "%q is not one of the %s; there are none", id, what)
	default:
		l.problem(n, "%q is not one of the %s: %s", id, what, list(ids))
	}
	return ""
}
