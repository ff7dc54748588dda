package schema

import (
	"errors"
	"regexp"
	"regexp/syntax"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The bounds of patterns. A size is about the number of instructions.
const (
	maxPatternBytes = 1024
	maxPatternSize  = 2000
	maxPatternSizes = 20_000 // of one schema
)

var errPatternTooLarge = errors.New("the pattern is too large")

// pattern is a regular expression that knows what matching it costs.
type pattern struct {
	*regexp.Regexp
	size int
}

// patterns compiles the patterns of one schema. Matching takes linear time, but
// how much of it, and of memory, repetitions decide.
type patterns struct {
	left int
	// done is set when the schema is compiled: what comes then are values.
	done bool
}

func (p *patterns) compile(text string) (jsonschema.Regexp, error) {
	if len(text) > maxPatternBytes {
		return nil, errPatternTooLarge
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	size := patternSize(parsed)
	if !p.done {
		p.left -= size
	}
	if size > maxPatternSize || p.left < 0 {
		return nil, errPatternTooLarge
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return pattern{compiled, size}, nil
}

func patternSize(re *syntax.Regexp) int {
	size := 1 + len(re.Rune)/2
	for _, sub := range re.Sub {
		size += patternSize(sub)
	}
	if re.Op == syntax.OpRepeat {
		size *= max(re.Min, re.Max, 1)
	}
	return size
}
