package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// reader takes typed values out of nodes and collects what is wrong. A value
// that is wrong reads as its default, so that reading goes on to the end.
type reader struct {
	lookup   func(name string) (string, bool)
	problems []host.Problem
}

func (r *reader) problem(n *node, format string, args ...any) {
	r.problems = append(r.problems, host.Problem{Path: n.path, Line: n.line, Message: fmt.Sprintf(format, args...)})
}

// is reports whether n is of that kind; it is a problem when not.
func (r *reader) is(n *node, want kind) bool {
	if n.kind != want {
		r.problem(n, "must be %s, not %s", want, n.kind)
	}
	return n.kind == want
}

// text is the text of n with its variables filled in.
func (r *reader) text(n *node) string {
	value, missing := r.expanded(n)
	if len(missing) > 0 {
		r.problem(n, "the environment variable %s is not set", strings.Join(missing, ", "))
	}
	return value
}

// expanded is text, with missing variables left to the caller.
func (r *reader) expanded(n *node) (value string, missing []string) {
	if !r.is(n, kindText) {
		return "", nil
	}
	value, missing, err := expand(n.value.(string), r.lookup)
	if err != nil {
		r.problem(n, "%s", err)
	}
	return value, missing
}

// list is the items of n.
func (r *reader) list(n *node) []*node {
	r.is(n, kindList)
	return n.items
}

// someOf is list for one that must not be empty.
func (r *reader) someOf(n *node) []*node {
	if r.is(n, kindList) && len(n.items) == 0 {
		r.problem(n, "must have at least one")
	}
	return n.items
}

// texts is the list of texts in n.
func (r *reader) texts(n *node) []string {
	var texts []string
	for _, item := range r.list(n) {
		texts = append(texts, r.text(item))
	}
	return texts
}

// oneOf is the text of n, which must be one of those.
func oneOf[T ~string](r *reader, n *node, allowed ...T) T {
	text := T(r.text(n))
	if slices.Contains(allowed, text) {
		return text
	}
	if n.kind == kindText {
		r.problem(n, "%q is not one of %s", text, list(allowed))
	}
	return ""
}

func list[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}

func (r *reader) boolean(n *node) bool {
	if !r.is(n, kindBool) {
		return false
	}
	return n.value.(bool)
}

// integer is a whole number from 0 to most.
func (r *reader) integer(n *node, most int) int {
	if !r.is(n, kindNumber) {
		return 0
	}
	v, ok := n.value.(uint64)
	if !ok || v > uint64(most) {
		r.problem(n, "must be a whole number from 0 to %d", most)
		return 0
	}
	return int(v)
}

func (r *reader) number(n *node) float64 {
	if !r.is(n, kindNumber) {
		return 0
	}
	switch v := n.value.(type) {
	case uint64:
		return float64(v)
	case int64:
		return float64(v)
	}
	return n.value.(float64)
}

func (r *reader) duration(n *node) pluginapi.Duration {
	var d pluginapi.Duration
	text := r.text(n)
	if n.kind != kindText {
		return 0
	}
	if err := d.UnmarshalText([]byte(text)); err != nil {
		r.problem(n, "%s", err)
	}
	return d
}

// mapping reads the keys of one mapping.
type mapping struct {
	*reader
	node  *node
	taken []string
}

// mapping opens n, which must be a mapping; what is no mapping has no keys.
func (r *reader) mapping(n *node) *mapping {
	r.is(n, kindMapping)
	return &mapping{reader: r, node: n}
}

// get is the value of a key, or nil when the key is absent or has no value.
func (m *mapping) get(key string) *node {
	if !slices.Contains(m.taken, key) {
		m.taken = append(m.taken, key)
	}
	for _, f := range m.node.fields {
		if f.key == key && f.value.kind != kindNull {
			return f.value
		}
	}
	return nil
}

// read calls set with the value of a key that is there.
func (m *mapping) read(key string, set func(*node)) {
	if n := m.get(key); n != nil {
		set(n)
	}
}

// require is read for a key that must be there.
func (m *mapping) require(key string, set func(*node)) {
	n := m.get(key)
	switch {
	case n != nil:
		set(n)
	case m.node.kind == kindMapping:
		m.problem(m.node, "%s is missing", key)
	}
}

// exactlyOne returns which of the keys is there; "" when none is, or more than one,
// which is a problem.
func (m *mapping) exactlyOne(keys ...string) string {
	var there []string
	for _, key := range keys {
		if m.get(key) != nil {
			there = append(there, key)
		}
	}
	switch {
	case len(there) == 1:
		return there[0]
	case len(there) > 1:
		m.problem(m.node, "has %s, but can have only one of them", strings.Join(there, " and "))
	case m.node.kind == kindMapping:
		m.problem(m.node, "must have one of %s", strings.Join(keys, ", "))
	}
	return ""
}

// close makes every key that was not read a problem.
func (m *mapping) close() {
	for _, f := range m.node.fields {
		if !slices.Contains(m.taken, f.key) {
			m.problem(f.value, "unknown key; the keys here are %s", list(m.taken))
		}
	}
}
