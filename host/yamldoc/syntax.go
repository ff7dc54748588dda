package yamldoc

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth bounds how deep a document may be nested.
const maxDepth = 64

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
