package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestFindAndMask(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		masked string
		kinds  []kind
	}{
		// Social security numbers.
		"my SSN is 078-05-1120.":       {"my SSN is ***********.", []kind{ssn}},
		"078 05 1120, 078.05.1120":     {"***********, ***********", []kind{ssn, ssn}},
		"ssn078\u201105\u20111120":     {"ssn***********", []kind{ssn}},
		"078 - 05 - 1120":              {"***************", []kind{ssn}},
		"12 078-05-1120 34":            {"12 *********** 34", []kind{ssn}},
		"078-05-112":                   {},
		"078-05-11201":                 {},
		"1078-05-1120":                 {},
		"078_05_1120":                  {},
		"on 2024-01-15 at 10:20:30.99": {},

		// Credit cards.
		"4111 1111 1111 1111":               {"*******************", []kind{creditCard}},
		"pay 4111-1111-1111-1111 now":       {"pay ******************* now", []kind{creditCard}},
		"4111111111111111":                  {"****************", []kind{creditCard}},
		"3782 822463 10005":                 {"*****************", []kind{creditCard}},
		"1234 4111 1111 1111 1111 999":      {"1234 ******************* 999", []kind{creditCard}},
		"card4222222222222!":                {"card*************!", []kind{creditCard}},
		"4111 1111 1111 1112":               {},
		"4111111111111112":                  {},
		"0000 0000 0000 0000":               {},
		"41111111111111111111":              {},
		"5f4111111111111112a 1700000000000": {},

		// Addresses.
		"write to John.Doe+x@mail.example.com.": {"write to ***************************.", []kind{email}},
		"<a@b.co>,{c_d@e.org}":                  {"<******>,{*********}", []kind{email, email}},
		"jörg@exämple.de ü":                     {"*************** ü", []kind{email}},
		"o'brien@example.xn--p1ai":              {"************************", []kind{email}},
		"a@b.co.12 a@b.co.-1":                   {"******.12 ******.-1", []kind{email, email}},
		"a@b.co.078-05-1120":                    {"******.***********", []kind{email, ssn}},
		"a@b, @c.org, d@.org, e@f.1x, @ @@":     {},

		// Phones.
		"call (555) 123-4567!":        {"call **************!", []kind{phone}},
		"555.123.4567 or 5551234567":  {"************ or **********", []kind{phone, phone}},
		"1-555-123-4567":              {"**************", []kind{phone}},
		"+1 (555) 123-4567":           {"*****************", []kind{phone}},
		"15551234567":                 {"***********", []kind{phone}},
		"+49 30 901820":               {"*************", []kind{phone}},
		"(+44) (0)20 7946 0958":       {"*********************", []kind{phone}},
		"+1 555 123 4567 555 123 456": {"******************* 123 456", []kind{phone}},
		"at 1700000000, +1 2345":      {},
		"x5551234567y":                {},
		"+12345678901234567":          {},
		"call 555-1234":               {},

		// Several, and none.
		"a@b.co 078-05-1120 4111111111111111": {"****** *********** ****************", []kind{creditCard, email, ssn}},
		"":                                    {},
		"What is 17 times 23?":                {},
	} {
		if want.masked == "" {
			want.masked = text
		}
		found := find(text, kinds)
		var got []kind
		for _, s := range found {
			got = append(got, s.kind)
		}
		slices.Sort(got)
		if !reflect.DeepEqual(got, want.kinds) {
			t.Errorf("find(%q) = %v, want %v", text, got, want.kinds)
		}
		if masked := mask(text, found); masked != want.masked {
			t.Errorf("mask(%q) = %q, want %q", text, masked, want.masked)
		}
	}
}

func TestFindOnlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	const text = "a@b.co 078-05-1120 4111111111111111 555-123-4567"
	for _, k := range kinds {
		found := find(text, []kind{k, k})
		if len(found) != 1 || found[0].kind != k {
			t.Errorf("find %s = %v, want one", k, found)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("a@b.co 078-05-1120 +1 (555) 123-4567 4111 1111 1111 1111")
	f.Add("A.AA000A.AA000 00 00+0A00000000+@A.AA000.00 0000")
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ToValidUTF8(text, "?")
		masked := mask(text, find(text, kinds))
		if got, want := len([]rune(masked)), len([]rune(text)); got != want {
			t.Errorf("mask(%q) has %d characters, want %d", text, got, want)
		}
		if left := find(masked, kinds); len(left) > 0 {
			t.Errorf("mask(%q) = %q, which still holds %v", text, masked, left)
		}
	})
}
