package hook

import (
	"encoding/json"
	"unicode/utf8"
)

// MaxPartDepth bounds the nesting of a part of a context that a plugin makes.
const MaxPartDepth = 64

// ValidPart reports whether JSON of a plugin may become a part of later contexts:
// what is not Unicode, or nested deeper than MaxPartDepth, would fail every hook
// that gets it.
func ValidPart(data json.RawMessage) bool {
	return utf8.Valid(data) && json.Valid(data) && checkNesting(data, MaxPartDepth) == nil
}
