package config

import "strings"

// The length of a security key in bytes: long enough that nobody guesses it,
// short enough for a header.
const (
	minSecurityKey = 16
	maxSecurityKey = 1024
)

// securityKeyVariables override security_key, the first that is set. There is no
// flag: other users of a machine see flags.
var securityKeyVariables = []string{"SNAPHOOK_SECURITY_KEY", "OS_SECURITY_KEY"}

// securityKey reads what callers must show. A key that is there but empty is a
// problem: whoever wrote it meant to be asked for one. Problems do not repeat it.
func (l *loader) securityKey(m *mapping, c *Config) {
	var at *node
	found := len(l.problems)
	m.read("security_key", func(n *node) { at, c.SecurityKey = n, l.text(n) })
	for _, name := range securityKeyVariables {
		if value, set := l.lookup(name); set {
			at, c.SecurityKey = &node{path: name}, value
			break
		}
	}
	if at == nil || len(l.problems) > found {
		return
	}
	unfit := func(r rune) bool { return r <= ' ' || r > '~' }
	switch key := c.SecurityKey; {
	case len(key) < minSecurityKey || len(key) > maxSecurityKey:
		l.problem(at, "must have %d to %d characters", minSecurityKey, maxSecurityKey)
	case strings.ContainsFunc(key, unfit):
		l.problem(at, "must have no spaces and only printable ASCII characters")
	}
}
