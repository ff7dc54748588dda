package runtime

import (
	"strings"

	"github.com/tetratelabs/wazero/api"
)

// signature is the type of a function as people write it: "(i64, i64) -> i32".
type signature string

// The signatures the host calls.
const (
	hookSignature  signature = "() -> i32"
	startSignature signature = "() -> ()"
)

func signatureOf(f api.FunctionDefinition) signature {
	results := typeNames(f.ResultTypes())
	if len(f.ResultTypes()) != 1 {
		results = "(" + results + ")"
	}
	return signature("(" + typeNames(f.ParamTypes()) + ") -> " + results)
}

func typeNames(types []api.ValueType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = api.ValueTypeName(t)
	}
	return strings.Join(names, ", ")
}
