package plugin

import "strings"

// maxShown is how much of a document's text a message shows, in bytes.
const maxShown = 60

func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}
