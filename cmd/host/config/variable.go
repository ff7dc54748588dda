package config

import (
	"errors"
	"regexp"
	"strings"
)

// A variable stands as ${NAME} in a text; $${ is a plain ${. YAML takes a brace
// inside {} or [] for its own, so before parsing variables get marks that YAML
// has no use for.
const (
	markOpen   = "\uE000"
	markClose  = "\uE001"
	markEscape = "\uE002"
)

var (
	variable = regexp.MustCompile(`\$\$\{|\$\{[A-Za-z_][A-Za-z0-9_]*\}`)
	marked   = regexp.MustCompile(markOpen + `[A-Za-z0-9_]+` + markClose + `|` + markEscape)
)

// mark replaces variables by their marks. It refuses a text that holds marks.
func mark(data []byte) ([]byte, error) {
	text := string(data)
	if hasMark(text) {
		return nil, errors.New("the characters U+E000 to U+E002 are not allowed")
	}
	return []byte(variable.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$${" {
			return markEscape
		}
		return markOpen + found[2:len(found)-1] + markClose
	})), nil
}

func hasMark(text string) bool { return strings.ContainsAny(text, markOpen+markClose+markEscape) }

// unmark is the text as it was written.
func unmark(text string) string {
	return strings.NewReplacer(markOpen, "${", markClose, "}", markEscape, "$${").Replace(text)
}

// expand puts in the variables' values, and returns the names of those that are
// not set. These expand to nothing.
func expand(text string, lookup func(string) (string, bool)) (expanded string, missing []string, err error) {
	if strings.Contains(text, "${") {
		return "", nil, errors.New("${ does not begin a variable such as ${NAME}; write $${ for a plain ${")
	}
	expanded = marked.ReplaceAllStringFunc(text, func(found string) string {
		if found == markEscape {
			return "${"
		}
		name := strings.TrimSuffix(strings.TrimPrefix(found, markOpen), markClose)
		value, set := lookup(name)
		if !set {
			missing = append(missing, name)
		}
		return value
	})
	return expanded, missing, nil
}
