package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
)

// Bounds of a secret's value, in bytes. A shorter one could not be told from
// ordinary text where it is to be hidden; a longer one fits no header.
const (
	minSecretBytes = 8
	maxSecretBytes = 4096
)

// Secrets are values for the requests of plugins, by name. They print as their
// names only.
type Secrets map[string]string

var _ host.Secrets = Secrets(nil)

// Secret returns a value, or false.
func (s Secrets) Secret(name string) (string, bool) {
	value, ok := s[name]
	return value, ok
}

// Names returns all names in their order.
func (s Secrets) Names() []string { return slices.Sorted(maps.Keys(s)) }

// String lists the names.
func (s Secrets) String() string { return fmt.Sprintf("secrets %v", s.Names()) }

// GoString lists the names.
func (s Secrets) GoString() string { return s.String() }

// MarshalText lists the names.
func (s Secrets) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

var secretName = regexp.MustCompile(`^[A-Z_][A-Z0-9_]{0,62}$`)

// secrets reads the values; no problem repeats one.
func (l *loader) secrets(n *node) Secrets {
	l.is(n, kindMapping)
	values := Secrets{}
	for _, f := range n.fields {
		if !secretName.MatchString(f.key) {
			l.problem(f.value, "is not a secret's name: capital letters, digits and _, at most 63")
		}
		values[f.key] = l.secret(f.value)
	}
	return values
}

func (l *loader) secret(n *node) string {
	before := len(l.problems)
	value := l.text(n)
	switch {
	case len(l.problems) > before:
	case len(value) < minSecretBytes || len(value) > maxSecretBytes:
		l.problem(n, "must have %d to %d bytes", minSecretBytes, maxSecretBytes)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl):
		l.problem(n, "must be text without line breaks and other control characters")
	}
	return value
}
