package config

import (
	"os"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

func (l *loader) plugins(parent *mapping, c *Config) {
	at := &node{path: "plugins.dir"}
	parent.read("plugins", func(n *node) {
		m := l.mapping(n)
		m.read("dir", func(n *node) { at, c.Plugins.Dir = n, l.directory(n) })
		m.read("grants", func(n *node) { c.Plugins.Grants = l.grants(n) })
		m.close()
	})
	if o := l.overrides.PluginsDir; o != nil {
		at, c.Plugins.Dir = &node{path: "--plugins-dir"}, *o
	}
	if c.Plugins.Dir == "" || (at.line > 0 && at.kind != kindText) {
		return
	}
	if info, err := os.Stat(c.Plugins.Dir); err != nil || !info.IsDir() {
		l.problem(at, "%s is not a directory that can be read", c.Plugins.Dir)
	}
}

func (l *loader) grants(n *node) map[string][]pluginapi.Permission {
	l.is(n, kindMapping)
	grants := map[string][]pluginapi.Permission{}
	for _, f := range n.fields {
		if !pluginName.MatchString(f.key) {
			l.problem(f.value, "is not a plugin's name")
		}
		grants[f.key] = l.permissions(f.value)
	}
	return grants
}

func (l *loader) permissions(n *node) []pluginapi.Permission {
	if !l.is(n, kindList) {
		return nil
	}
	permissions := []pluginapi.Permission{}
	for _, item := range n.items {
		permissions = append(permissions, l.permission(item))
	}
	return permissions
}

func (l *loader) permission(n *node) pluginapi.Permission {
	return oneOf(&l.reader, n, pluginapi.PermissionHTTP, pluginapi.PermissionKV,
		pluginapi.PermissionSessionState, pluginapi.PermissionRun, pluginapi.PermissionSecrets)
}
