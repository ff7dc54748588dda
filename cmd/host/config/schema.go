package config

import (
	"encoding/json"
	"errors"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/schema"
)

// schema is the mapping in n as the JSON Schema of what a run answers.
func (l *loader) schema(n *node) json.RawMessage {
	before := len(l.problems)
	raw := l.object(n)
	if len(l.problems) > before {
		return nil
	}
	_, err := schema.CompileOutput(raw)
	if refused, ok := errors.AsType[*host.Error](err); ok {
		for _, p := range refused.Problems {
			l.problemBelow(n, p)
		}
	}
	return raw
}

// problemBelow reports a problem at the node its path leads to from n, at n when
// there is none.
func (l *loader) problemBelow(n *node, p host.Problem) {
	if p.Path == "" {
		l.problem(n, "%s", p.Message)
		return
	}
	path := join(n.path, p.Path)
	if at := n.find(path); at != nil {
		l.problem(at, "%s", p.Message)
		return
	}
	l.problem(n, "%s", p)
}

// find returns the node of a path in n, nil when there is none.
func (n *node) find(path string) *node {
	if n.path == path {
		return n
	}
	for _, item := range n.items {
		if found := item.find(path); found != nil {
			return found
		}
	}
	for _, f := range n.fields {
		if found := f.value.find(path); found != nil {
			return found
		}
	}
	return nil
}
