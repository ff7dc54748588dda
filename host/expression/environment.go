package expression

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/env"
)

// Bounds of a compiled expression.
const (
	maxNodes = 10_000
	maxDepth = 50
)

// newEnvironment declares what expressions may use. It is made for each of them:
// they are compiled once, at start. The library's further functions on text are not
// in it: what some take or make grows as a product, and no call can be interrupted.
func newEnvironment() (*cel.Env, error) {
	own := &env.LibrarySubset{ExcludeFunctions: []*env.Function{env.NewFunction(matches)}}
	return cel.NewCustomEnv(
		cel.StdLib(cel.StdLibSubset(own)),
		matchesFunction(), splitFunction(),
		textFunction("trim", strings.TrimSpace),
		textFunction("lowerAscii", lowerASCII),
		textFunction("upperAscii", upperASCII),
		cel.Variable(nameInput, cel.DynType),
		cel.Variable(namePrevious, cel.DynType),
		cel.Variable(nameSteps, cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable(nameSessionState, cel.MapType(cel.StringType, cel.DynType)),
		cel.DefaultUTCTimeZone(true),
		cel.ASTValidators(cel.ValidateRegexLiterals()),
		cel.ParserExpressionSizeLimit(MaxBytes),
		cel.ParserRecursionLimit(maxDepth),
		cel.ExpressionNodeLimit(maxNodes),
	)
}
