package main

import "strings"

// spacedPhone is a North American number as people write it.
var spacedPhone = pattern{
	kind:   phone,
	shapes: [][]int{{3, 3, 4}, {1, 3, 3, 4}},
	gap:    isPhoneGap,
}

// barePhone is one without gaps. Many numbers have ten digits, hence the checks.
var barePhone = pattern{
	kind:   phone,
	shapes: [][]int{{10}, {11}},
	gap:    isPhoneGap,
	valid:  startsWithAreaCode,
	alone:  true,
}

// The digits of an international number, with the country code (E.164).
const (
	minInternational = 8
	maxInternational = 15
)

func findPhones(text string, groups []group) []span {
	found := spacedPhone.find(text, groups)
	found = append(found, barePhone.find(text, groups)...)
	for i := range groups {
		if s, ok := matchInternational(text, groups[i:]); ok {
			found = append(found, s)
		}
	}
	for i := range found {
		found[i].start = len(strings.TrimRight(text[:found[i].start], "+("))
	}
	return found
}

// matchInternational matches a number behind a + with as many groups as fit.
func matchInternational(text string, groups []group) (span, bool) {
	first := groups[0]
	if !strings.HasSuffix(strings.TrimRight(text[:first.start], "("), "+") {
		return span{}, false
	}
	digits, end := first.len(), first.end
	for _, g := range groups[1:] {
		if !isPhoneGap(text[end:g.start]) || digits+g.len() > maxInternational {
			break
		}
		digits, end = digits+g.len(), g.end
	}
	if digits < minInternational || digits > maxInternational {
		return span{}, false
	}
	return span{kind: phone, start: first.start, end: end}, true
}

// startsWithAreaCode tells a number of North America from a Unix time.
func startsWithAreaCode(digits string) bool {
	if len(digits) == 11 {
		if digits[0] != '1' {
			return false
		}
		digits = digits[1:]
	}
	return digits[0] >= '2'
}

// isPhoneGap accepts a separator, and the parentheses of an area code.
func isPhoneGap(text string) bool {
	inner := strings.TrimSuffix(strings.TrimPrefix(text, ")"), "(")
	return text != "" && (inner == "" || isSeparator(inner))
}
