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
		domain := domainOf(text[i+1:][:indexNot(text[i+1:], isDomain)])
		if local != "" && domain != "" {
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

// domainOf returns the longest start of a text that is the name of a domain, ""
// without one. What follows may be another number that is masked on its own and
// must not leave an address behind: a@example.org.078-05-1120.
func domainOf(text string) string {
	for {
		text = strings.TrimRight(text, ".-")
		dot := strings.LastIndexByte(text, '.')
		if dot <= 0 {
			return ""
		}
		if isTopLevel(text[dot+1:]) {
			return text
		}
		text = text[:dot]
	}
}

// isTopLevel wants two characters or more, the first one a letter.
func isTopLevel(label string) bool {
	first, _ := utf8.DecodeRuneInString(label)
	return unicode.IsLetter(first) && utf8.RuneCountInString(label) >= 2
}
