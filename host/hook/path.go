package hook

import (
	"strconv"
	"strings"
)

// step is one segment of a path: a member name or, when name is empty, an index.
type step struct {
	name  string
	index int
}

// parsePath reads the path grammar of agent-hooks/0.1 §5.2.
func parsePath(path string) ([]step, error) {
	rest, ok := strings.CutPrefix(path, "$target")
	if !ok {
		// The older name of the root is accepted until agent-hooks 0.3.
		rest, ok = strings.CutPrefix(path, "$policy_target")
	}
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return nil, errTransformForbidden
	}
	var steps []step
	for rest != "" {
		s, tail, ok := parseStep(rest)
		if !ok {
			return nil, errTransformInvalid
		}
		steps, rest = append(steps, s), tail
	}
	return steps, nil
}

// parseStep reads the segment rest begins with: .name, ["name"] or [digits].
func parseStep(rest string) (s step, tail string, ok bool) {
	if name, dotted := strings.CutPrefix(rest, "."); dotted {
		n := nameLength(name)
		return step{name: name[:n]}, name[n:], n > 0
	}
	if name, quoted := strings.CutPrefix(rest, `["`); quoted {
		n := nameLength(name)
		tail, closed := strings.CutPrefix(name[n:], `"]`)
		return step{name: name[:n]}, tail, n > 0 && closed
	}
	inside, bracket := strings.CutPrefix(rest, "[")
	digits, tail, closed := strings.Cut(inside, "]")
	index, err := strconv.ParseUint(digits, 10, 31)
	return step{index: int(index)}, tail, bracket && closed && err == nil
}

// nameLength counts the leading characters of s that a member name may have.
func nameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return i
		}
	}
	return len(s)
}

// replace puts value at the place the steps lead to, which must exist, and
// returns the root. It changes the nodes on its way.
func replace(root any, steps []step, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	var err error
	s := steps[0]
	switch node := root.(type) {
	case map[string]any:
		if child, ok := node[s.name]; ok && s.name != "" {
			node[s.name], err = replace(child, steps[1:], value)
			return node, err
		}
	case []any:
		if s.name == "" && s.index < len(node) {
			node[s.index], err = replace(node[s.index], steps[1:], value)
			return node, err
		}
	}
	return nil, errTransformInvalid
}
