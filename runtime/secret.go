package runtime

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// secretReference is what a guest writes where the value of a secret is to be
// sent.
var secretReference = regexp.MustCompile(`secret:([A-Z_][A-Z0-9_]*)`)

// secrets are the operator's values during one call: they are put into its
// requests, and taken out of whatever else leaves the guest. A nil *secrets has
// none.
type secrets struct {
	granted host.Secrets
	hide    *strings.Replacer
	// longest is the length of the longest text that is hidden, in bytes.
	longest int
}

// newSecrets returns nil for nil.
func newSecrets(granted host.Secrets) *secrets {
	if granted == nil {
		return nil
	}
	s := &secrets{granted: granted}
	var hidden [][2]string // text and its name
	for _, name := range granted.Names() {
		value, _ := granted.Secret(name)
		for _, text := range spellings(value) {
			hidden = append(hidden, [2]string{text, "[secret:" + name + "]"})
			s.longest = max(s.longest, len(text))
		}
	}
	// The first that fits is taken: one secret may begin with another.
	slices.SortStableFunc(hidden, func(a, b [2]string) int { return cmp.Compare(len(b[0]), len(a[0])) })
	var pairs []string
	for _, h := range hidden {
		pairs = append(pairs, h[:]...)
	}
	s.hide = strings.NewReplacer(pairs...)
	return s
}

// spellings are the ways in which a value may come back: as it is, in JSON, and
// in a URL. An empty value has none.
func spellings(value string) []string {
	if value == "" {
		return nil
	}
	all := []string{value, escapePath(value), url.PathEscape(value), url.QueryEscape(value)}
	for _, escapeHTML := range []bool{true, false} {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(escapeHTML)
		if err := enc.Encode(value); err != nil { // a string always encodes
			panic(err)
		}
		all = append(all, strings.TrimSuffix(buf.String(), "\"\n")[1:])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// redact replaces the secrets in text by their names.
func (s *secrets) redact(text []byte) []byte {
	if s == nil {
		return text
	}
	return []byte(s.hide.Replace(string(text)))
}

func (s *secrets) redactText(text string) string {
	if s == nil {
		return text
	}
	return s.hide.Replace(text)
}

// span is the length of the longest text that is hidden.
func (s *secrets) span() int {
	if s == nil {
		return 0
	}
	return s.longest
}

// fill returns the request with the secrets it refers to, or the request itself
// when it refers to none. A redirect's URL was written by a server: references
// in it mean nothing.
func (s *secrets) fill(r *http.Request) (*http.Request, error) {
	sent := r.Clone(r.Context())
	changed, err := s.fillHeader(sent.Header)
	if err == nil && r.Response == nil {
		var more bool
		more, err = s.fillURL(sent.URL)
		changed = changed || more
	}
	switch {
	case err != nil:
		return nil, err
	case !changed:
		return r, nil
	}
	return sent, checkRequestHeaders(sent.Header)
}

func (s *secrets) fillHeader(header http.Header) (changed bool, err error) {
	for _, values := range header {
		for i, v := range values {
			filled, err := s.insert(v, func(value string) string { return value })
			if err != nil {
				return false, err
			}
			changed = changed || filled != v
			values[i] = filled
		}
	}
	return changed, nil
}

// fillURL puts secrets into the path and the query, escaped so that they change
// nothing else of the URL. The host stays as it was checked.
func (s *secrets) fillURL(u *url.URL) (changed bool, err error) {
	escaped := u.EscapedPath()
	path, err := s.insert(escaped, escapePath)
	if err != nil {
		return false, err
	}
	query, err := s.insert(u.RawQuery, url.QueryEscape)
	if err != nil {
		return false, err
	}
	changed = path != escaped || query != u.RawQuery
	u.RawPath, u.RawQuery = path, query
	u.Path, err = url.PathUnescape(path)
	return changed, err
}

// escapePath escapes what would end a path; a secret may have several segments.
func escapePath(value string) string { return (&url.URL{Path: value}).EscapedPath() }

// insert replaces every reference in text by the secret's value, escaped.
func (s *secrets) insert(text string, escape func(string) string) (string, error) {
	var failed error
	filled := secretReference.ReplaceAllStringFunc(text, func(reference string) string {
		value, err := s.value(reference[len("secret:"):])
		if err != nil {
			failed = err
		}
		return escape(value)
	})
	return filled, failed
}

func (s *secrets) value(name string) (string, error) {
	if s == nil {
		return "", fmt.Errorf("the secret %s cannot be used: secrets are not granted", clean(name, maxNameText))
	}
	value, ok := s.granted.Secret(name)
	if !ok {
		return "", fmt.Errorf("the secret %s is not one the plugin may use, or it is not configured", clean(name, maxNameText))
	}
	return value, nil
}

// dropSecrets takes the headers away that refer to secrets: whom the first
// request did not name must not get them.
func dropSecrets(header http.Header) {
	for name, values := range header {
		if slices.ContainsFunc(values, secretReference.MatchString) {
			delete(header, name)
		}
	}
}
