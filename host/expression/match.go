package expression

import (
	"regexp"
	"regexp/syntax"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// matches is the function that looks for a regular expression.
const matches = "matches"

// maxPattern bounds a regular expression, in bytes.
const maxPattern = 500

// matchesPerCost is how many bytes times instructions of a regular expression cost
// as much as a step.
const matchesPerCost = 10

// matchesFunction declares matches as the library does; it looks only where it can
// be done in time.
func matchesFunction() cel.EnvOption {
	texts := []*cel.Type{cel.StringType, cel.StringType}
	return cel.Function(matches,
		cel.Overload(matches, texts, cel.BoolType),
		cel.MemberOverload("matches_string", texts, cel.BoolType),
		cel.SingletonBinaryBinding(match))
}

func match(text, pattern ref.Val) ref.Val {
	t, isText := text.(types.String)
	p, isPattern := pattern.(types.String)
	if !isText || !isPattern {
		return types.MaybeNoSuchOverloadErr(text)
	}
	if len(p) > maxPattern {
		return types.NewErr("a regular expression has at most %d bytes", maxPattern)
	}
	compiled, err := regexp.Compile(string(p))
	if err != nil {
		return types.WrapErr(err)
	}
	if matchCost([]ref.Val{text, pattern}) > maxCost {
		return types.WrapErr(errTooMuch)
	}
	return types.Bool(compiled.MatchString(string(t)))
}

// matchCost is the cost of matches: how many instructions of the regular expression
// each byte may take.
func matchCost(args []ref.Val) uint64 {
	text, _ := args[0].(types.String)
	pattern, _ := args[1].(types.String)
	if len(pattern) > maxPattern {
		return 0
	}
	parsed, err := syntax.Parse(string(pattern), syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return uint64(len(text)+1) * uint64(len(program.Inst)) / matchesPerCost
}
