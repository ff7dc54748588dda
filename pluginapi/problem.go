package pluginapi

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a manifest.
type Problem struct {
	// Path is the place in the manifest, such as hooks[0].point.
	Path    string `json:"path"`
	Message string `json:"message"`
}

// String is the path and the message.
func (p Problem) String() string { return p.Path + ": " + p.Message }

// problems collects what is wrong.
type problems []Problem

func (p *problems) add(path, format string, args ...any) {
	*p = append(*p, Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// item is the path of one element of a list.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// list writes values separated by commas.
func list[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
