package expression

import (
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

// comparison is a ==, != or in that refuses what it could not compare in time: no
// call can be interrupted.
type comparison struct {
	interpreter.InterpretableCall
}

// boundComparisons puts comparison in the place of the library's own.
func boundComparisons(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if call, ok := node.(interpreter.InterpretableCall); ok {
		switch call.Function() {
		case operators.Equals, operators.NotEquals, operators.In:
			return comparison{call}, nil
		}
	}
	return node, nil
}

// Eval is Exec.
func (c comparison) Eval(vars interpreter.Activation) ref.Val {
	return c.Exec(interpreter.AsFrame(vars))
}

// Exec compares.
func (c comparison) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	args := make([]ref.Val, 0, 2)
	for _, arg := range c.Args() {
		value := arg.Exec(frame)
		if types.IsUnknownOrError(value) {
			return value
		}
		args = append(args, value)
	}
	if comparisonCost(c.Function(), args) > maxCost {
		return types.WrapErr(errTooMuch)
	}
	return compare(c.Function(), args[0], args[1])
}

func compare(operator string, left, right ref.Val) ref.Val {
	switch operator {
	case operators.Equals:
		return types.Equal(left, right)
	case operators.NotEquals:
		return types.Bool(types.Equal(left, right) != types.True)
	}
	container, ok := right.(traits.Container)
	if !ok {
		return types.MaybeNoSuchOverloadErr(right)
	}
	return container.Contains(left)
}
