package hook

import (
	"errors"
	"strconv"
)

// Bounds of a context (agent-hooks/0.1 §12.3).
const (
	MaxContextBytes = 5 << 20
	MaxContextDepth = 128
)

// checkEnvelope refuses a serialised context that is too large or too deep, or
// that holds a lone surrogate, which a guest could not represent. data is valid
// JSON. The messages hold nothing of the context.
func checkEnvelope(data []byte) error {
	if len(data) > MaxContextBytes {
		return errors.New("the context is larger than 5 MiB")
	}
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth++; depth > MaxContextDepth {
				return errors.New("the context is nested deeper than 128 levels")
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
		i++
		if data[i] != 'u' {
			continue
		}
		unit := codeUnit(data, i+1)
		i += 4
		if unit < 0xD800 || unit > 0xDFFF {
			continue
		}
		low := codeUnit(data, i+3)
		if unit > 0xDBFF || i+2 >= len(data) || data[i+1] != '\\' || data[i+2] != 'u' || low < 0xDC00 || low > 0xDFFF {
			return 0, errors.New("the context holds a lone surrogate; send valid Unicode")
		}
		i += 6
	}
	return i, nil
}

// codeUnit reads the four hexadecimal digits at i, or returns 0.
func codeUnit(data []byte, i int) uint64 {
	if i+4 > len(data) {
		return 0
	}
	v, err := strconv.ParseUint(string(data[i:i+4]), 16, 16)
	if err != nil {
		return 0
	}
	return v
}
