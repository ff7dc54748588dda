package expression

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
)

const (
	// maxTime bounds one evaluation.
	maxTime = time.Second
	// maxCost bounds its steps and what it makes; see prices.
	maxCost = 1_000_000
	// interruptEvery is how many rounds of a comprehension pass unasked.
	interruptEvery = 10
	// maxNames bounds the names an expression chooses.
	maxNames = 1000
)

var (
	// errTooLong is the cause of the end of an evaluation's own time.
	errTooLong = fmt.Errorf("the expression takes longer than %s", maxTime)
	errTooMuch = errors.New("the expression does more than an expression may")
)

func bounds() []cel.ProgramOption {
	return []cel.ProgramOption{
		cel.CostTracking(prices{}), cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptEvery),
		cel.CustomDecoratorV2(boundComparisons),
	}
}

// Bool evaluates an expression of that kind. An error is of one line and says what
// is wrong; when ctx ends it wraps ctx's cause.
func (e *Expression) Bool(ctx context.Context, vars Vars) (bool, error) {
	result, err := e.evaluate(ctx, Bool, vars)
	if err != nil {
		return false, err
	}
	b, ok := result.(types.Bool)
	if !ok {
		return false, e.unfit(result)
	}
	return bool(b), nil
}

// Names evaluates an expression of that kind; one name is a list of one. Errors are
// those of Bool.
func (e *Expression) Names(ctx context.Context, vars Vars) ([]string, error) {
	result, err := e.evaluate(ctx, Names, vars)
	if err != nil {
		return nil, err
	}
	switch result := result.(type) {
	case types.String:
		return []string{string(result)}, nil
	case traits.Lister:
		return e.list(result)
	}
	return nil, e.unfit(result)
}

func (e *Expression) list(items traits.Lister) ([]string, error) {
	if n, _ := items.Size().(types.Int); n > maxNames {
		return nil, fmt.Errorf("the expression gives %d names, more than %d", n, maxNames)
	}
	names := []string{}
	for it := items.Iterator(); it.HasNext() == types.True; {
		name, ok := it.Next().(types.String)
		if !ok {
			return nil, errors.New("the expression gives a list with something else than strings")
		}
		names = append(names, string(name))
	}
	return names, nil
}

func (e *Expression) evaluate(ctx context.Context, as Kind, vars Vars) (ref.Val, error) {
	if e.kind != as {
		return nil, fmt.Errorf("the expression was compiled for %s", e.kind)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, fmt.Errorf("evaluate expression: %w", err)
	}
	values, err := vars.values(e.reads)
	if err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeoutCause(ctx, maxTime, errTooLong)
	defer cancel()
	result, _, err := e.program.ContextEval(bounded, values)
	if err != nil {
		return nil, failure(ctx, err)
	}
	return result, nil
}

// failure says why an evaluation failed.
func failure(ctx context.Context, err error) error {
	if cancelled, ok := errors.AsType[interpreter.EvalCancelledError](err); ok && cancelled.Cause == interpreter.CostLimitExceeded {
		return errTooMuch
	}
	switch {
	case errors.Is(err, errTooMuch):
		return errTooMuch
	case errors.Is(err, errTooLong):
		return errTooLong
	case errors.Is(err, interpreter.InterruptError{}):
		return fmt.Errorf("evaluate expression: %w", context.Cause(ctx))
	}
	return fmt.Errorf("the expression failed: %s", oneLine(err.Error()))
}

func (e *Expression) unfit(result ref.Val) error {
	return fmt.Errorf("the expression gives %s, not %s", result.Type().TypeName(), e.kind)
}
