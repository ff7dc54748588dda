package main

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// findEmails finds addresses around every @.
func findEmails(text string) []span {
	var found []span
	for i := range len(text) {
		if text[i] != '@' {
			continue
		}
		local := text[:i][lastIndexNot(text[:i], isLocal):]
		local = strings.TrimLeftFunc(local, func(r rune) bool { return !isLetterOrDigit(r) })
		domain := text[i+1:][:indexNot(text[i+1:], isDomain)]
		domain = strings.TrimRight(domain, ".-")
		if local != "" && hasTopLevel(domain) {
			found = append(found, span{email, i - len(local), i + 1 + len(domain)})
		}
	}
	return found
}

// indexNot returns where the characters of a kind end that text starts with.
func indexNot(text string, is func(rune) bool) int {
	for i, r := range text {
		if !is(r) {
			return i
		}
	}
	return len(text)
}

// lastIndexNot returns where the characters of a kind start that text ends with.
func lastIndexNot(text string, is func(rune) bool) int {
	for text != "" {
		r, size := utf8.DecodeLastRuneInString(text)
		if !is(r) {
			break
		}
		text = text[:len(text)-size]
	}
	return len(text)
}

func isLetterOrDigit(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func isLocal(r rune) bool {
	return isLetterOrDigit(r) || strings.ContainsRune(".!#$%&'*+/=?^_`{|}~-", r)
}

func isDomain(r rune) bool {
	return isLetterOrDigit(r) || r == '.' || r == '-'
}

// hasTopLevel reports whether a name has a dot, and behind the last one two
// characters or more of which the first is a letter.
func hasTopLevel(domain string) bool {
	dot := strings.LastIndexByte(domain, '.')
	if dot <= 0 {
		return false
	}
	last := domain[dot+1:]
	first, _ := utf8.DecodeRuneInString(last)
	return unicode.IsLetter(first) && utf8.RuneCountInString(last) >= 2
}
