package yamldoc

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/snaphook-dev/snaphook/host"
)

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
