package schema

import (
	"encoding/json"
	"math/big"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// fixed returns the values that the schemas list, nil when they list none.
func fixed(all []*jsonschema.Schema) []any {
	var values []any
	for _, s := range all {
		if s.Const != nil {
			values = append(values, *s.Const)
		}
		if s.Enum != nil {
			values = append(values, s.Enum.Values...)
		}
	}
	return values
}

// examples returns the values that the schemas show.
func examples(all []*jsonschema.Schema) []any {
	var values []any
	for _, s := range all {
		values = append(values, s.Examples...)
		if s.Default != nil {
			values = append(values, *s.Default)
		}
	}
	return values
}

// scalars returns values that may fit.
func scalars(all []*jsonschema.Schema) []any {
	values := []any{json.Number("0"), "", nil, true, false}
	for _, s := range all {
		values = append(values, numbers(s)...)
		values = append(values, texts(s)...)
	}
	return values
}

// variations returns values beside another one that stands in a list already.
func variations(value any, count int) []any {
	number := json.Number("0")
	if n, ok := value.(json.Number); ok {
		number = n
	}
	values := []any{}
	if start, ok := new(big.Rat).SetString(number.String()); ok {
		for i := -count; i <= count; i++ {
			values = append(values, numberOf(new(big.Rat).Add(start, big.NewRat(int64(i), 1))))
		}
	}
	text, _ := value.(string)
	for i := range count + 1 {
		values = append(values, text+strconv.Itoa(i))
	}
	return append(values, "", nil, true, false, []any{}, map[string]any{})
}

// numbers returns those near the bounds of a schema.
func numbers(s *jsonschema.Schema) []any {
	var values []any
	for _, bound := range []*big.Rat{s.Minimum, s.Maximum, s.ExclusiveMinimum, s.ExclusiveMaximum} {
		if bound == nil {
			continue
		}
		for _, near := range around(bound) {
			values = append(values, numberOf(near))
			if s.MultipleOf != nil {
				multiple := new(big.Rat).Quo(near, s.MultipleOf)
				values = append(values, numberOf(multiple.Mul(floor(multiple), s.MultipleOf)))
			}
		}
	}
	if low, high := s.ExclusiveMinimum, s.ExclusiveMaximum; low != nil && high != nil {
		middle := new(big.Rat).Add(low, high)
		values = append(values, numberOf(middle.Mul(middle, big.NewRat(1, 2))))
	}
	if s.MultipleOf != nil {
		values = append(values, numberOf(s.MultipleOf))
	}
	return values
}

// around returns a bound, and what is one more and one less, as they are and as
// whole numbers.
func around(bound *big.Rat) []*big.Rat {
	var near []*big.Rat
	for _, step := range []int64{0, 1, -1} {
		r := new(big.Rat).Add(bound, big.NewRat(step, 1))
		near = append(near, r, floor(r))
	}
	return near
}

func floor(r *big.Rat) *big.Rat {
	return new(big.Rat).SetInt(new(big.Int).Div(r.Num(), r.Denom())) // Euclidean, with a positive divisor
}

// numberOf writes whole numbers exactly, others as JSON readers keep them.
func numberOf(r *big.Rat) json.Number {
	if r.IsInt() && r.Num().BitLen() <= 64 {
		return json.Number(r.Num().String())
	}
	f, _ := r.Float64()
	if text := strconv.FormatFloat(f, 'g', -1, 64); isManageable(text) {
		return json.Number(text)
	}
	return "0"
}

// formatSamples has a text for each format that the library knows.
var formatSamples = map[string]string{
	"date": "2000-01-01", "date-time": "2000-01-01T00:00:00Z", "duration": "P1D", "email": "a@b.c",
	"hostname": "a", "ipv4": "0.0.0.0", "ipv6": "::", "json-pointer": "", "period": "2000-01-01T00:00:00Z/P1D",
	"regex": "", "relative-json-pointer": "0", "semver": "0.0.0", "time": "00:00:00Z", "uri": "a:", "uri-reference": "",
	"uri-template": "", "uuid": "00000000-0000-0000-0000-000000000000", "idn-email": "a@b.c",
	"idn-hostname": "a", "iri": "a:", "iri-reference": "",
}

// maxSampleText bounds a text that is made up, in characters.
const maxSampleText = 10_000

// texts returns texts of the length, format and pattern of a schema.
func texts(s *jsonschema.Schema) []any {
	var values []any
	if n := atLeast(s.MinLength); n > 0 {
		values = append(values, strings.Repeat("a", min(n, maxSampleText)))
	}
	if s.Format != nil {
		values = append(values, formatSamples[s.Format.Name])
	}
	if s.Pattern != nil {
		if parsed, err := syntax.Parse(s.Pattern.String(), syntax.Perl); err == nil {
			values = append(values, match(parsed))
		}
	}
	return values
}

// match returns a short text that the pattern most likely matches.
func match(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(member(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpPlus, syntax.OpCapture:
		return match(re.Sub[0])
	case syntax.OpRepeat:
		return strings.Repeat(match(re.Sub[0]), re.Min)
	case syntax.OpAlternate:
		best := match(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			if text := match(sub); len(text) < len(best) {
				best = text
			}
		}
		return best
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			b.WriteString(match(sub))
		}
		return b.String()
	}
	return "" // of what may be absent, and of positions
}

// member returns a character of a class, a readable one if there is one.
func member(ranges []rune) rune {
	for _, readable := range "a0A-" {
		for i := 0; i+1 < len(ranges); i += 2 {
			if ranges[i] <= readable && readable <= ranges[i+1] {
				return readable
			}
		}
	}
	if len(ranges) == 0 { // a class of nothing
		return 'a'
	}
	return ranges[0]
}
