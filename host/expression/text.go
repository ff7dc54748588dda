package expression

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// split is the function that cuts a text at each separator.
const split = "split"

// textFunction declares a function of a text to a text, named as in the library's
// extensions.
func textFunction(name string, f func(string) string) cel.EnvOption {
	return cel.Function(name,
		cel.MemberOverload("string_"+name, []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(func(text ref.Val) ref.Val {
				return types.String(f(string(text.(types.String))))
			})))
}

func splitFunction() cel.EnvOption {
	return cel.Function(split,
		cel.MemberOverload("string_split_string", []*cel.Type{cel.StringType, cel.StringType}, cel.ListType(cel.StringType),
			cel.BinaryBinding(func(text, separator ref.Val) ref.Val {
				parts := strings.Split(string(text.(types.String)), string(separator.(types.String)))
				return types.DefaultTypeAdapter.NativeToValue(parts)
			})))
}

func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

func upperASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r + 'A' - 'a'
		}
		return r
	}, text)
}
