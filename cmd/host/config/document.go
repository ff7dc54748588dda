package config

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/snaphook-dev/snaphook/host"
)

// kind is the type of a value as it stands in the file.
type kind int

const (
	kindNull kind = iota
	kindText
	kindBool
	kindNumber
	kindList
	kindMapping
)

func (k kind) String() string {
	return [...]string{"nothing", "text", "true or false", "a number", "a list", "a mapping"}[k]
}

// node is one value of the file.
type node struct {
	path string
	line int
	kind kind
	// value is a string, bool, int64, uint64 or float64; nil for other kinds.
	value  any
	items  []*node
	fields []field
}

// field is one entry of a mapping.
type field struct {
	key   string
	value *node
}

// parseDocument reads one YAML document. A file that is not YAML has one
// problem; everything else wrong with its structure is reported at once.
func parseDocument(data []byte) (*node, []host.Problem) {
	// Repeated keys are found by the builder, together with all other problems.
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, []host.Problem{syntaxProblem(err)}
	}
	var b builder
	var root *node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case root == nil:
			root = b.build(doc.Body, "", lineOf(doc.Body))
		default:
			b.problem("", lineOf(doc.Body), "a second document is not read")
		}
	}
	if root == nil || root.kind == kindNull {
		b.problem("", 0, "the file is empty")
	}
	return root, b.problems
}

func syntaxProblem(err error) host.Problem {
	var syntax *yaml.SyntaxError
	if !errors.As(err, &syntax) {
		return host.Problem{Message: err.Error()}
	}
	p := host.Problem{Message: unmark(syntax.Message)}
	if syntax.Token != nil && syntax.Token.Position != nil {
		p.Line = syntax.Token.Position.Line
	}
	return p
}

// builder turns the parser's tree into ours and collects what it does not take.
type builder struct {
	problems []host.Problem
}

func (b *builder) problem(path string, line int, format string, args ...any) {
	b.problems = append(b.problems, host.Problem{Path: path, Line: line, Message: fmt.Sprintf(format, args...)})
}

func (b *builder) build(from ast.Node, path string, line int) *node {
	n := &node{path: path, line: line}
	switch v := from.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		n.kind, n.value = kindText, v.Value
	case *ast.LiteralNode:
		n.kind, n.value = kindText, v.Value.Value
	case *ast.BoolNode:
		n.kind, n.value = kindBool, v.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		n.kind, n.value = kindNumber, from.(ast.ScalarNode).GetValue()
	case *ast.SequenceNode:
		n.kind = kindList
		for i, item := range v.Values {
			n.items = append(n.items, b.build(item, path+"["+strconv.Itoa(i)+"]", lineOf(item)))
		}
	case *ast.MappingNode:
		n.kind, n.fields = kindMapping, b.fields(v.Values, path)
	case *ast.MappingValueNode:
		n.kind, n.fields = kindMapping, b.fields([]*ast.MappingValueNode{v}, path)
	default: // aliases, anchors, tags
		b.problem(path, line, "the YAML feature %q is not supported", from.Type().YAMLName())
	}
	return n
}

func (b *builder) fields(entries []*ast.MappingValueNode, parent string) []field {
	fields := make([]field, 0, len(entries))
	seen := map[string]int{}
	for _, entry := range entries {
		line := lineOf(entry.Key)
		key, ok := b.key(entry.Key, parent)
		if !ok {
			continue
		}
		path := join(parent, key)
		value := b.build(entry.Value, path, line)
		if first, repeated := seen[key]; repeated {
			b.problem(path, line, "repeats the key of line %d", first)
			continue
		}
		seen[key] = line
		fields = append(fields, field{key: key, value: value})
	}
	return fields
}

func (b *builder) key(from ast.MapKeyNode, parent string) (string, bool) {
	key, ok := from.(*ast.StringNode)
	if !ok {
		b.problem(parent, lineOf(from), "a key must be text")
		return "", false
	}
	if hasMark(key.Value) {
		b.problem(parent, lineOf(from), "%s: a key cannot hold a variable", unmark(key.Value))
		return "", false
	}
	return key.Value, true
}

func join(parent, key string) string {
	if parent == "" {
		return key
	}
	return parent + "." + key
}

// lineOf is the line a value begins at; a mapping begins with its first key.
func lineOf(n ast.Node) int {
	switch v := n.(type) {
	case *ast.MappingNode:
		if len(v.Values) > 0 && !v.IsFlowStyle {
			return lineOf(v.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return lineOf(v.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line
	}
	return 0
}
