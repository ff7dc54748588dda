package config

import (
	"encoding/json"
	"math"
	"regexp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

var pluginName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// scope says whose bindings are read.
type scope bool

const (
	component scope = false
	hostWide  scope = true
)

func (l *loader) bindings(n *node, of scope) []host.Binding {
	if !l.is(n, kindList) {
		return nil
	}
	var bindings []host.Binding
	for _, item := range n.items {
		bindings = append(bindings, l.binding(item, of))
	}
	return bindings
}

func (l *loader) binding(n *node, of scope) host.Binding {
	b := host.Binding{Source: host.SourceConfig}
	m := l.mapping(n)
	m.require("plugin", func(n *node) { b.Plugin = l.pluginName(n) })
	m.read("hook", func(n *node) { b.Hook = l.text(n) })
	m.read("mode", func(n *node) { b.Mode = oneOf(&l.reader, n, pluginapi.ModeBlocking, pluginapi.ModeBackground) })
	m.read("config", func(n *node) { b.Config = l.object(n) })
	m.read("timeout", func(n *node) { b.Timeout = l.duration(n) })
	m.read("on_error", func(n *node) { b.OnError = oneOf(&l.reader, n, pluginapi.OnErrorDeny, pluginapi.OnErrorAllow) })
	m.read("top_level", func(n *node) { b.TopLevel = l.hostWideOnly(n, of) })
	m.read("nested", func(n *node) { b.Nested = l.hostWideOnly(n, of) })
	m.close()
	return b
}

func (l *loader) pluginName(n *node) string {
	name := l.text(n)
	if n.kind == kindText && !pluginName.MatchString(name) {
		l.problem(n, "%q is not a plugin's name: small letters, digits and -, at most 63", name)
	}
	return name
}

func (l *loader) hostWideOnly(n *node, of scope) bool {
	value := l.boolean(n)
	if of == component {
		l.problem(n, "is only for the hooks of the whole host")
	}
	return value
}

// object is the mapping in n as JSON.
func (l *loader) object(n *node) json.RawMessage {
	if !l.is(n, kindMapping) {
		return nil
	}
	data, err := json.Marshal(l.plain(n))
	if err != nil {
		l.problem(n, "cannot be written as JSON: %s", err)
	}
	return data
}

// plain is the value of n in the types of encoding/json.
func (l *loader) plain(n *node) any {
	switch n.kind {
	case kindMapping:
		object := map[string]any{}
		for _, f := range n.fields {
			object[f.key] = l.plain(f.value)
		}
		return object
	case kindList:
		items := []any{}
		for _, item := range n.items {
			items = append(items, l.plain(item))
		}
		return items
	case kindText:
		return l.text(n)
	}
	if f, ok := n.value.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		l.problem(n, "must be a finite number")
		return nil
	}
	return n.value
}
