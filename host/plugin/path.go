package plugin

import (
	"encoding/json"
	"strconv"
	"strings"
)

// join appends a key to a path. A key that is no plain word is quoted, and cut
// when it is long.
func join(path, key string) string {
	if !isWord(key) {
		return path + "[" + strconv.Quote(cut(key)) + "]"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func isWord(s string) bool {
	return s != "" && len(s) <= maxShown && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

// under reports whether path is above, or lies below it.
func under(path, above string) bool {
	rest, ok := strings.CutPrefix(path, above)
	return ok && (rest == "" || above == "" || rest[0] == '.' || rest[0] == '[')
}

// maxShown is how much of a document's text a message shows, in bytes.
const maxShown = 60

func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}

// isNumber reports whether s is a number of JSON.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}
