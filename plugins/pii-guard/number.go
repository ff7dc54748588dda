package main

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// group is a run of digits: the bytes from start to end of a text.
type group struct{ start, end int }

func (g group) len() int { return g.end - g.start }

func digitGroups(text string) []group {
	var groups []group
	for i := 0; i < len(text); i++ {
		start := i
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		if i > start {
			groups = append(groups, group{start, i})
		}
	}
	return groups
}

// pattern is how a number is written: in groups of digits of certain lengths,
// with something between them.
type pattern struct {
	kind kind
	// shapes are the lengths of the groups, one list for each way of writing.
	shapes [][]int
	// gap tells whether a text may stand between two groups.
	gap func(text string) bool
	// valid looks at the digits alone; nil accepts all.
	valid func(digits string) bool
	// alone wants no letter right before or behind.
	alone bool
}

var ssnPattern = pattern{
	kind:   ssn,
	shapes: [][]int{{3, 2, 4}},
	gap:    isSeparator,
}

var creditCardPattern = pattern{
	kind: creditCard,
	shapes: [][]int{
		{13}, {14}, {15}, {16}, {17}, {18}, {19},
		{4, 4, 4, 4}, {4, 4, 4, 4, 3}, {4, 6, 5}, {4, 6, 4},
	},
	gap:   isSeparator,
	valid: isCardNumber,
}

// find tries every group as the first one, so that a number is found behind
// digits that have nothing to do with it.
func (p pattern) find(text string, groups []group) []span {
	var found []span
	for i := range groups {
		for _, shape := range p.shapes {
			if s, ok := p.match(text, groups[i:], shape); ok {
				found = append(found, s)
			}
		}
	}
	return found
}

func (p pattern) match(text string, groups []group, shape []int) (span, bool) {
	if len(groups) < len(shape) {
		return span{}, false
	}
	groups = groups[:len(shape)]
	digits := ""
	for i, g := range groups {
		if g.len() != shape[i] || i > 0 && !p.gap(text[groups[i-1].end:g.start]) {
			return span{}, false
		}
		digits += text[g.start:g.end]
	}
	s := span{kind: p.kind, start: groups[0].start, end: groups[len(groups)-1].end}
	if p.valid != nil && !p.valid(digits) || p.alone && touchesLetter(text, s) {
		return span{}, false
	}
	return s, true
}

// isSeparator accepts up to three blanks, dots and hyphens, also typographic
// ones.
func isSeparator(text string) bool {
	n := 0
	for _, r := range text {
		if n++; n > 3 || !slices.Contains(separators, r) {
			return false
		}
	}
	return n > 0
}

var separators = []rune(" \t.-\u00a0\u2007\u2009\u202f\u2010\u2011\u2012\u2013\u2212")

func touchesLetter(text string, s span) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:s.start])
	after, _ := utf8.DecodeRuneInString(text[s.end:])
	return unicode.IsLetter(before) || unicode.IsLetter(after)
}

// isCardNumber checks the last digit by Luhn's formula. No card starts with 0.
func isCardNumber(digits string) bool {
	if strings.HasPrefix(digits, "0") {
		return false
	}
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
		}
		sum += d/10 + d%10
	}
	return sum%10 == 0
}
