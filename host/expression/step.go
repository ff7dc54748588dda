package expression

import (
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// Steps are the names of the steps that the expression reads as steps.NAME or
// steps["NAME"], sorted, each once. Those it looks for with in, or by a name that it
// makes, are not among them.
func (e *Expression) Steps() []string { return e.steps }

// stepNames are what Steps returns. Where a macro calls an item of its own steps,
// nobody looks what is meant.
func stepNames(checked *cel.Ast) []string {
	var names []string
	hidden := false
	ast.PreOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.ComprehensionKind:
			c := e.AsComprehension()
			hidden = hidden || c.IterVar() == nameSteps || c.IterVar2() == nameSteps
		case ast.SelectKind:
			if s := e.AsSelect(); isSteps(s.Operand()) {
				names = append(names, s.FieldName())
			}
		case ast.CallKind:
			if name, ok := indexOfSteps(e.AsCall()); ok {
				names = append(names, name)
			}
		}
	}))
	if hidden {
		return nil
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// indexOfSteps is NAME of steps["NAME"].
func indexOfSteps(call ast.CallExpr) (string, bool) {
	args := call.Args()
	if call.FunctionName() != operators.Index || !isSteps(args[0]) || args[1].Kind() != ast.LiteralKind {
		return "", false
	}
	name, ok := args[1].AsLiteral().(types.String)
	return string(name), ok
}

func isSteps(e ast.Expr) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == nameSteps }
