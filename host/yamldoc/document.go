// Package yamldoc reads YAML and JSON that people write: strictly, and with the
// line of everything that is wrong.
package yamldoc

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// Document is a YAML or JSON document that was read.
type Document struct {
	// lines has the line of every path.
	lines    map[string]int
	problems []host.Problem
	// holes are the paths whose values could not be used.
	holes []string
}

func (d *Document) add(path string, line int, format string, args ...any) {
	d.problems = append(d.problems, host.Problem{Path: path, Line: line, Message: fmt.Sprintf(format, args...)})
}

// drop notes a problem for which the value is left out.
func (d *Document) drop(path string, line int, format string, args ...any) bad {
	d.add(path, line, format, args...)
	d.holes = append(d.holes, path)
	return bad{}
}

// Line returns the line of a path, or of the nearest path above it.
func (d *Document) Line(path string) int {
	for path != "" {
		if line, ok := d.lines[path]; ok {
			return line
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return 1
}

// Decode reads one document into the struct or slice that into points to, by the
// rules of encoding/json. What does not fit is left out and becomes a problem of
// the Document, as does an unknown or a repeated key and whatever else is wrong. The
// error is a fault of the host.
func Decode(data []byte, into any) (*Document, error) {
	d := &Document{lines: map[string]int{}}
	root, ok := d.read(data)
	if !ok {
		d.holes = append(d.holes, "") // nothing found later says anything new
		return d, nil
	}
	fitted, err := json.Marshal(d.fit("", root, reflect.TypeOf(into).Elem()))
	if err != nil {
		return nil, fmt.Errorf("write document as JSON: %w", err)
	}
	if err := json.Unmarshal(fitted, into); err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	return d, nil
}

// Add adds problems that only the typed value shows, with their lines. Those that
// follow from a value that was left out say nothing new.
func (d *Document) Add(problems ...host.Problem) {
	for _, p := range problems {
		follows := slices.ContainsFunc(d.holes, func(hole string) bool {
			return under(p.Path, hole) || under(hole, p.Path)
		})
		if !follows {
			p.Line = d.Line(p.Path)
			d.problems = append(d.problems, p)
		}
	}
}

// Problems returns what is wrong, as it stands in the document.
func (d *Document) Problems() []host.Problem {
	slices.SortStableFunc(d.problems, func(a, b host.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
	return d.problems
}

// under reports whether path is above, or lies below it.
func under(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || above == "" || rest[0] == '.' || rest[0] == '[')
}
