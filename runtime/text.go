package runtime

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxErrorText bounds the error text that is kept of a call, in bytes.
const maxErrorText = 2 << 10

const ellipsis = "…"

// clean makes a guest's text fit for a log: what does not print (control
// characters, invalid UTF-8, direction marks) is escaped, and what is over
// limit bytes is cut between characters and ends in an ellipsis.
func clean(text string, limit int) string { return cleanText(text, limit, unicode.IsPrint) }

// cleanMessage is clean for what people or models read: it keeps its lines.
func cleanMessage(text string, limit int) string {
	return cleanText(text, limit, func(r rune) bool { return r == '\n' || r == '\t' || unicode.IsPrint(r) })
}

// cleanText escapes the characters that are not to be kept.
func cleanText(text string, limit int, keep func(rune) bool) string {
	var b strings.Builder
	end := 0 // where to cut if the text turns out too long
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		b.WriteString(escape(r, text[:size], keep))
		if b.Len() > limit {
			return b.String()[:end] + ellipsis
		}
		if b.Len() <= limit-len(ellipsis) {
			end = b.Len()
		}
		text = text[size:]
	}
	return b.String()
}

func escape(r rune, raw string, keep func(rune) bool) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return `\x` + strconv.FormatUint(uint64(raw[0]), 16)
	case keep(r):
		return raw
	default:
		quoted := strconv.QuoteRuneToASCII(r)
		return quoted[1 : len(quoted)-1]
	}
}

// cleanError writes an engine's error on one line: it may be many lines long
// and hold names that the guest chose.
func cleanError(err error) string {
	return cleanLines(err.Error())
}

// cleanLines writes the lines of a text on one.
func cleanLines(text string) string {
	// What is cut anyway need not be looked at.
	const most = 4 * maxErrorText
	var lines []string
	for line := range strings.Lines(text[:min(len(text), most)]) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return clean(strings.Join(lines, "; "), maxErrorText)
}
