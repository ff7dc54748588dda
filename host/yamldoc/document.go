// Package yamldoc reads YAML and JSON that people write: strictly, and with the
// line of everything that is wrong.
package yamldoc

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/snaphook-dev/snaphook/host"
)

// Decode reads one document into the struct or slice that into points to, by the
// rules of encoding/json. What does not fit is left out and becomes a problem of
// the Document, as does whatever else is wrong; unknown and repeated keys are. The
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

// maxDepth bounds how deep a document may be nested.
const maxDepth = 64

// node is one value of a document. Its value is nil, a bool, a number, a
// string, a []node, a []member, or bad.
type node struct {
	line  int
	value any
}

// member is one key of an object with its value.
type member struct {
	key   string
	line  int
	value node
}

// number is a number as the document spells it, which is as JSON does.
type number string

// bad stands for a value whose problem is known already.
type bad struct{}

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

// read parses one YAML or JSON document. It returns false when there is nothing
// to look at; the reasons are in d.problems.
func (d *Document) read(data []byte) (node, bool) {
	if !utf8.Valid(data) {
		d.add("", 0, "is not UTF-8 text")
		return node{}, false
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\ufeff"))
	if line := tooDeep(tokens); line > 0 {
		d.add("", line, "is nested more than %d levels deep", maxDepth)
		return node{}, false
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.addSyntax(err)
		return node{}, false
	}
	body, ok := d.body(file)
	if !ok {
		return node{}, false
	}
	return d.convert("", body, 0), true
}

// tooDeep returns the line where brackets are nested too deep, or 0: the parser
// takes quadratic time for them.
func tooDeep(tokens token.Tokens) int {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			if depth++; depth > maxDepth {
				return t.Position.Line
			}
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
	}
	return 0
}

func (d *Document) addSyntax(err error) {
	var syntax yaml.Error
	if !errors.As(err, &syntax) {
		d.add("", 0, "is not YAML or JSON: %s", err)
		return
	}
	line := 0
	if t := syntax.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	d.add("", line, "is not YAML or JSON: %s", syntax.GetMessage())
}

// body returns the root of the one document.
func (d *Document) body(file *ast.File) (ast.Node, bool) {
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		d.add("", 1, "is empty")
		return nil, false
	case 1:
		return bodies[0], true
	}
	d.add("", lineOf(bodies[1]), "must be one document, without directives")
	return nil, false
}

// convert turns a syntax tree into a node and notes the line of every path.
func (d *Document) convert(path string, n ast.Node, depth int) node {
	line := lineOf(n)
	if _, known := d.lines[path]; !known {
		d.lines[path] = line
	}
	if depth > maxDepth {
		return node{line, d.drop(path, line, "is nested more than %d levels deep", maxDepth)}
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return node{line, d.members(path, n.Values, depth)}
	case *ast.MappingValueNode:
		return node{line, d.members(path, []*ast.MappingValueNode{n}, depth)}
	case *ast.SequenceNode:
		items := make([]node, len(n.Values))
		for i, v := range n.Values {
			items[i] = d.convert(fmt.Sprintf("%s[%d]", path, i), v, depth+1)
		}
		return node{line, items}
	case *ast.AnchorNode:
		d.add(path, line, "anchors are not allowed")
		return d.convert(path, n.Value, depth+1)
	case *ast.TagNode:
		d.add(path, line, "tags are not allowed")
		return d.convert(path, n.Value, depth+1)
	}
	return node{line, d.scalar(path, line, n)}
}

func (d *Document) scalar(path string, line int, n ast.Node) any {
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return nil
	case *ast.BoolNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.StringNode:
		// The parser takes large numbers, and those with an exponent, for text.
		if n.Token.Type != token.StringType || !isNumber(n.Value) {
			return n.Value
		}
		return d.number(path, line, n.Value)
	case *ast.IntegerNode:
		return d.number(path, line, n.Token.Value)
	case *ast.FloatNode:
		return d.number(path, line, n.Token.Value)
	case *ast.InfinityNode, *ast.NanNode:
		return d.drop(path, line, "must be a finite number")
	case *ast.AliasNode:
		return d.drop(path, line, "aliases are not allowed")
	}
	return d.drop(path, line, "is not something JSON can hold")
}

// isNumber reports whether s is a number of JSON.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}

// maxInteger is the largest integer that every JSON reader keeps exactly.
const maxInteger = 1<<53 - 1

func (d *Document) number(path string, line int, text string) any {
	if !isNumber(text) {
		return d.drop(path, line, "must be written as JSON writes numbers")
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return d.drop(path, line, "is too large for a number")
	}
	if !strings.ContainsAny(text, ".eE") && (f > maxInteger || f < -maxInteger) {
		return d.drop(path, line, "is too large for an integer: put it in quotes")
	}
	return number(text)
}

func (d *Document) members(path string, values []*ast.MappingValueNode, depth int) []member {
	var members []member
	first := map[string]int{}
	for _, v := range values {
		line := lineOf(v.Key)
		key, ok := v.Key.(*ast.StringNode)
		if !ok {
			d.add(path, line, "a key must be plain or quoted text")
			continue
		}
		at := host.JoinPath(path, key.Value)
		if before, repeated := first[key.Value]; repeated {
			d.add(at, line, "is set already on line %d", before)
			continue
		}
		first[key.Value], d.lines[at] = line, line
		members = append(members, member{key.Value, line, d.convert(at, v.Value, depth+1)})
	}
	return members
}

func lineOf(n ast.Node) int {
	if n == nil {
		return 0
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
