// Package expression evaluates expressions of the Common Expression Language that
// decide in workflows. They reach nothing but the values they are given, know no
// clock, and are bounded in time and memory.
package expression

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/snaphook-dev/snaphook/host"
)

// MaxBytes bounds the source of an expression.
const MaxBytes = 4 << 10

// maxMessage bounds what is told of an error, in bytes.
const maxMessage = 200

// Kind says what an expression must come to.
type Kind int

// The kinds.
const (
	// Bool is for conditions: true or false.
	Bool Kind = iota
	// Names is for choices: a name or a list of names.
	Names
)

func (k Kind) String() string {
	return [...]string{"true or false", "a string or a list of strings"}[k]
}

// Expression is an expression that compiled. It is safe for concurrent use.
type Expression struct {
	kind    Kind
	program cel.Program
	// reads are the variables it may read.
	reads map[string]bool
	steps []string
}

// Compile compiles an expression over input, previous, steps and session_state.
// A source that is refused is a CodeInvalid of one line that names the position,
// line:column.
func Compile(source string, want Kind) (*Expression, error) {
	if len(source) > MaxBytes {
		return nil, refused("the expression is longer than %d KiB", MaxBytes>>10)
	}
	if strings.TrimSpace(source) == "" {
		return nil, refused("the expression is empty")
	}
	env, err := newEnvironment()
	if err != nil {
		return nil, fmt.Errorf("prepare expressions: %w", err)
	}
	checked, issues := env.Compile(source)
	if issues.Err() != nil {
		return nil, firstIssue(issues)
	}
	if got := checked.OutputType(); !fits(got, want) {
		return nil, refused("the expression gives %s, not %s", cel.FormatCELType(got), want)
	}
	program, err := env.Program(checked, bounds()...)
	if err != nil {
		return nil, refused("the expression cannot be run: %s", oneLine(err.Error()))
	}
	return &Expression{kind: want, program: program, reads: referenced(checked), steps: stepNames(checked)}, nil
}

// fits reports whether a value of the type may be of the kind.
func fits(t *cel.Type, want Kind) bool {
	allowed := []*cel.Type{cel.BoolType, cel.DynType}
	if want == Names {
		allowed = []*cel.Type{cel.StringType, cel.ListType(cel.StringType), cel.ListType(cel.DynType), cel.DynType}
	}
	for _, a := range allowed {
		if t.IsExactType(a) {
			return true
		}
	}
	// The element of [] is a type that is not known yet.
	return want == Names && t.Kind() == cel.ListKind && t.Parameters()[0].Kind() == cel.TypeParamKind
}

func referenced(checked *cel.Ast) map[string]bool {
	names := map[string]bool{}
	for _, reference := range checked.NativeRep().ReferenceMap() {
		names[reference.Name] = true
	}
	return names
}

// firstIssue is the error of the first thing that is wrong.
func firstIssue(issues *cel.Issues) error {
	found := issues.Errors()
	if len(found) == 0 {
		return refused("%s", oneLine(issues.Err().Error()))
	}
	message, at := oneLine(found[0].Message), found[0].Location
	if at.Line() < 1 {
		return refused("%s", message)
	}
	return refused("%d:%d: %s", at.Line(), at.Column()+1, message)
}

func refused(format string, args ...any) error {
	return host.Errorf(host.CodeInvalid, format, args...)
}

// oneLine is a message of the library as it is shown: without the tokens its parser
// would have liked better.
func oneLine(text string) string {
	text, _, _ = strings.Cut(text, " expecting {")
	text = strings.ReplaceAll(text, " (in container '')", "")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxMessage {
		text = strings.ToValidUTF8(text[:maxMessage], "") + "…"
	}
	return text
}
