package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
)

// decode reads one JSON value of at most that many bytes as the library wants it,
// with json.Number for numbers. What is nested too deep, or said twice, or cannot
// be calculated with is a flaw.
func decode(raw []byte, most int) (any, *flaw) {
	if len(raw) > most {
		return nil, &flaw{message: fmt.Sprintf("has more than %d bytes", most)}
	}
	if !utf8.Valid(raw) {
		return nil, &flaw{message: "is not UTF-8 text"}
	}
	d := decoder{tokens: json.NewDecoder(bytes.NewReader(raw))}
	d.tokens.UseNumber()
	value, err := d.value()
	if err == nil {
		err = d.end()
	}
	if err != nil {
		return nil, d.flaw(err)
	}
	return value, nil
}

// flaw is what is wrong at a place of a document, whose words it never quotes.
type flaw struct {
	at      []any // keys and indexes
	message string
}

func (f *flaw) problem() host.Problem {
	return host.Problem{Path: pathOf(f.at), Message: f.message}
}

// decoder knows where it is.
type decoder struct {
	tokens *json.Decoder
	at     []any // keys and indexes
}

// fault is what JSON allows and decode does not.
type fault string

func (f fault) Error() string { return string(f) }

func (d *decoder) flaw(err error) *flaw {
	var f fault
	switch {
	case errors.As(err, &f):
		return &flaw{at: d.at, message: err.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &flaw{message: "is not JSON: it ends too early"}
	}
	return &flaw{message: fmt.Sprintf("is not JSON from byte %d on", d.tokens.InputOffset()+1)}
}

func (d *decoder) end() error {
	if _, err := d.tokens.Token(); errors.Is(err, io.EOF) {
		return nil
	}
	return errors.New("more than one value")
}

func (d *decoder) value() (any, error) {
	token, err := d.tokens.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Delim:
		if len(d.at) >= MaxDepth {
			return nil, fault(fmt.Sprintf("is nested more than %d levels deep", MaxDepth))
		}
		if token == '[' {
			return d.array()
		}
		return d.object()
	case json.Number:
		if !isManageable(token.String()) {
			return nil, fault("is a number that is too large or too long")
		}
	}
	return token, nil
}

func (d *decoder) array() (any, error) {
	items := []any{}
	for d.tokens.More() {
		item, err := d.member(len(items))
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	_, err := d.tokens.Token()
	return items, err
}

func (d *decoder) object() (any, error) {
	members := map[string]any{}
	for d.tokens.More() {
		token, err := d.tokens.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		if _, repeated := members[key]; repeated {
			return nil, fault("has a key twice")
		}
		if members[key], err = d.member(key); err != nil {
			return nil, err
		}
	}
	_, err := d.tokens.Token()
	return members, err
}

// member reads the value at a key or an index. After an error the decoder stays
// where it is.
func (d *decoder) member(step any) (any, error) {
	d.at = append(d.at, step)
	value, err := d.value()
	if err == nil {
		d.at = d.at[:len(d.at)-1]
	}
	return value, err
}

// isManageable keeps out numbers whose exact value takes long to calculate with,
// such as 1e999999999.
func isManageable(number string) bool {
	const maxDigits, maxExponent = 400, 5 // characters
	_, err := strconv.ParseFloat(number, 64)
	exponent := ""
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		exponent = number[i+1:]
	}
	return err == nil && len(number) <= maxDigits && len(exponent) <= maxExponent
}
