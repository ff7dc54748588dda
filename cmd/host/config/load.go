package config

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// loader builds a Config from the nodes of a file.
type loader struct {
	reader
	// dir is the folder of the file, where its relative paths begin.
	dir       string
	overrides Overrides
}

func (l *loader) load(root *node) *Config {
	m := l.mapping(root)
	c := &Config{Listen: DefaultListen}
	l.server(m, c)
	m.read("run_hooks_in_background", func(n *node) { c.RunHooksInBackground = l.boolean(n) })
	if o := l.overrides.RunHooksInBackground; o != nil {
		c.RunHooksInBackground = *o
	}
	names := l.models(m, c)
	m.read("agents", func(n *node) { c.Agents = l.agents(n, names) })
	m.read("teams", func(n *node) { l.teams(n, c, names) })
	m.read("workflows", func(n *node) { c.Workflows = l.workflows(n, c.components()) })
	m.read("hooks", func(n *node) { c.Hooks = l.bindings(n, hostWide) })
	l.plugins(m, c)
	l.retention(m, c)
	l.background(m, c)
	m.read("secrets", func(n *node) { c.Secrets = l.secrets(n) })
	m.close()
	return c
}

// invalid makes the error of a file, its problems in the order of their lines.
func invalid(problems []host.Problem) error {
	slices.SortStableFunc(problems, func(a, b host.Problem) int { return cmp.Compare(a.Line, b.Line) })
	count := "1 problem"
	if len(problems) != 1 {
		count = fmt.Sprintf("%d problems", len(problems))
	}
	return &host.Error{Code: host.CodeInvalid, Message: "the configuration has " + count, Problems: problems}
}
