package host

import (
	"strconv"
	"strings"
)

// maxPathKey bounds how much of one key a path shows, in bytes.
const maxPathKey = 60

// JoinPath appends a key to the path of a Problem. A key that is no plain word is
// quoted, and cut when it is long.
func JoinPath(path, key string) string {
	switch {
	case !isWord(key):
		if len(key) > maxPathKey {
			key = strings.ToValidUTF8(key[:maxPathKey], "") + "…"
		}
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

func isWord(s string) bool {
	return s != "" && len(s) <= maxPathKey && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}
