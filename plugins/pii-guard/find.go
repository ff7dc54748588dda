package main

import (
	"cmp"
	"slices"
	"strings"
)

// kind is a kind of personal data.
type kind string

const (
	ssn        kind = "ssn"
	creditCard kind = "credit_card"
	email      kind = "email"
	phone      kind = "phone"
)

var kinds = []kind{ssn, creditCard, email, phone}

// span is one find: the bytes from start to end of a text.
type span struct {
	kind       kind
	start, end int
}

// find returns what a text holds of the wanted kinds. Spans of one kind do not
// overlap; those of different kinds may.
func find(text string, wanted []kind) []span {
	var found []span
	groups := digitGroups(text)
	for _, k := range wanted {
		switch k {
		case ssn:
			found = append(found, ssnPattern.find(text, groups)...)
		case creditCard:
			found = append(found, creditCardPattern.find(text, groups)...)
		case phone:
			found = append(found, findPhones(text, groups)...)
		case email:
			found = append(found, findEmails(text)...)
		}
	}
	return merge(found)
}

// merge joins spans of one kind that overlap.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.start, b.start))
	})
	var merged []span
	for _, s := range spans {
		if n := len(merged); n > 0 && merged[n-1].kind == s.kind && s.start < merged[n-1].end {
			merged[n-1].end = max(merged[n-1].end, s.end)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// mask writes * for every character of the spans.
func mask(text string, spans []span) string {
	if len(spans) == 0 {
		return text
	}
	covered := make([]bool, len(text))
	for _, s := range spans {
		for i := s.start; i < s.end; i++ {
			covered[i] = true
		}
	}
	var b strings.Builder
	for i, r := range text {
		if covered[i] {
			r = '*'
		}
		b.WriteRune(r)
	}
	return b.String()
}
