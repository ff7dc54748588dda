package httpapi

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// maxProblems is how many problems of a document are told.
const maxProblems = 20

// checkMembers returns the members of a valid document's objects that are
// repeated, or unknown: known lists the members an object may have, by the
// number of objects around it; an object deeper than known may have any.
// Two readers of a repeated member may disagree on which one counts.
func checkMembers(data []byte, known ...[]string) []host.Problem {
	c := checker{known: known}
	tokens := json.NewDecoder(bytes.NewReader(data))
	tokens.UseNumber() // a number that fits no float is still a number
	for len(c.problems) < maxProblems {
		token, err := tokens.Token()
		if err != nil { // io.EOF: the document is valid
			break
		}
		c.visit(token)
	}
	return c.problems
}

// checker follows a document token by token, without recursion: how deep a
// document goes is up to its sender.
type checker struct {
	known    [][]string
	levels   []level
	objects  int
	problems []host.Problem
}

// level is an object or, with seen nil, an array that is not closed yet.
type level struct {
	seen map[string]bool
	// key is the member whose value comes next, when inValue.
	key     string
	inValue bool
	index   int
}

func (c *checker) visit(token json.Token) {
	switch token {
	case json.Delim('{'):
		c.levels = append(c.levels, level{seen: map[string]bool{}})
		c.objects++
	case json.Delim('['):
		c.levels = append(c.levels, level{})
	case json.Delim('}'):
		c.objects--
		c.close()
	case json.Delim(']'):
		c.close()
	default:
		c.scalar(token)
	}
}

func (c *checker) close() {
	c.levels = c.levels[:len(c.levels)-1]
	c.endValue()
}

// scalar is the name of a member, or a value.
func (c *checker) scalar(token json.Token) {
	if n := len(c.levels); n > 0 && c.levels[n-1].seen != nil && !c.levels[n-1].inValue {
		top := &c.levels[n-1]
		top.key, _ = token.(string) // a name is a string
		top.inValue = true
		c.checkName(top)
		return
	}
	c.endValue()
}

func (c *checker) endValue() {
	if n := len(c.levels); n > 0 {
		c.levels[n-1].inValue = false
		c.levels[n-1].index++
	}
}

func (c *checker) checkName(top *level) {
	switch {
	case top.seen[top.key]:
		c.problems = append(c.problems, host.Problem{Path: c.path(), Message: "is given more than once"})
	case c.objects <= len(c.known) && !slices.Contains(c.known[c.objects-1], top.key):
		c.problems = append(c.problems, host.Problem{
			Path:    c.path(),
			Message: "is unknown; known are " + strings.Join(c.known[c.objects-1], ", "),
		})
	}
	top.seen[top.key] = true
}

// path is the place of the current member, such as hooks[0].timeout.
func (c *checker) path() string {
	var b strings.Builder
	for i, l := range c.levels {
		switch {
		case l.seen == nil:
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
		case i > 0:
			b.WriteString("." + cut(l.key))
		default:
			b.WriteString(cut(l.key))
		}
	}
	return b.String()
}

// cut keeps quoted input short in messages.
func cut(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
