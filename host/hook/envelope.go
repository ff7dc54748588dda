package hook

import (
	"errors"
	"strconv"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Bounds of a context (agent-hooks/0.1 §12.3).
const (
	MaxContextBytes = 5 << 20
	MaxContextDepth = 128
)

// The errors below are read by people and hold nothing of the context.
var (
	errEnvelope = errors.New("the context lacks a required field")
	errTooLarge = errors.New("the context is larger than 5 MiB")
	errTooDeep  = errors.New("the context is nested deeper than 128 levels")
	errUnicode  = errors.New("the context is not valid Unicode; look for a lone surrogate or a broken character")
)

// prepare checks the fields every context must have and fills in the target.
func prepare(c *pluginapi.Context) error {
	if c.Spec == "" || c.Timestamp.IsZero() || c.Sequence < 0 || c.Agent.ID == "" || c.Agent.Framework == "" ||
		c.Session.ID == "" || c.Extensions.Snaphook == nil {
		return errEnvelope
	}
	return setTarget(c)
}

// checkBounds refuses a serialised context that is too large or too deep, or
// that holds what is not Unicode, which a guest could not represent. data is
// valid JSON.
func checkBounds(data []byte) error {
	switch {
	case len(data) > MaxContextBytes:
		return errTooLarge
	case !utf8.Valid(data):
		return errUnicode
	}
	return checkNesting(data, MaxContextDepth)
}

// checkNesting refuses JSON that is nested deeper than limit or holds a lone
// surrogate.
func checkNesting(data []byte, limit int) error {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth++; depth > limit {
				return errTooDeep
			}
		case '}', ']':
			depth--
		case '"':
			end, err := skipString(data, i+1)
			if err != nil {
				return err
			}
			i = end
		}
	}
	return nil
}

// skipString returns the index of the quote that closes the string whose first
// character is at i.
func skipString(data []byte, i int) (int, error) {
	for ; i < len(data) && data[i] != '"'; i++ {
		if data[i] != '\\' {
			continue
		}
		if i++; i >= len(data) || data[i] != 'u' {
			continue
		}
		unit, low := codeUnit(data[i+1:]), lowSurrogate(data[i+1:])
		switch {
		case unit < 0xD800 || unit > 0xDFFF:
			i += 4
		case unit <= 0xDBFF && low:
			i += 10
		default:
			return 0, errUnicode
		}
	}
	return i, nil
}

// lowSurrogate reports whether an escaped low surrogate follows the four digits
// at the start of data.
func lowSurrogate(data []byte) bool {
	if len(data) < 10 || data[4] != '\\' || data[5] != 'u' {
		return false
	}
	unit := codeUnit(data[6:])
	return 0xDC00 <= unit && unit <= 0xDFFF
}

// codeUnit reads the four hexadecimal digits at the start of data, or returns 0.
func codeUnit(data []byte) uint64 {
	if len(data) < 4 {
		return 0
	}
	v, err := strconv.ParseUint(string(data[:4]), 16, 16)
	if err != nil {
		return 0
	}
	return v
}
