package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	// maxID is the length in bytes of an id a client chooses.
	maxID = 256
	// maxSchema is the size in bytes of an output_schema.
	maxSchema = 64 << 10
)

// formDecoder takes fields out of a form and collects what is wrong with them.
type formDecoder struct {
	fields form
	wrong  []fieldError
}

// err is everything that was wrong, or nil.
func (d *formDecoder) err() error {
	if d.wrong == nil {
		return nil
	}
	return &fieldErrors{list: d.wrong}
}

func (d *formDecoder) fail(name, kind, msg string, input *string) {
	d.wrong = append(d.wrong, fieldError{Type: kind, Loc: []string{"body", cut(name)}, Msg: msg, Input: input})
}

// take removes a field; "" when it is absent.
func (d *formDecoder) take(name string) string {
	text := d.fields[name].text
	delete(d.fields, name)
	return text
}

func (d *formDecoder) required(name string) string {
	if _, given := d.fields[name]; !given {
		d.wrong = append(d.wrong, missingField("body", name))
	}
	return d.take(name)
}

// id is an id the client chose: short, and fit for a log line.
func (d *formDecoder) id(name string) string {
	id := d.take(name)
	if kind, msg := checkID(id); kind != "" {
		d.fail(name, kind, msg, nil)
	}
	return id
}

// checkID says what is wrong with an id, or nothing.
func checkID(id string) (kind, msg string) { return checkLine(id, maxID) }

// checkLine says what is wrong with one line of text, or nothing.
func checkLine(text string, most int) (kind, msg string) {
	switch {
	case len(text) > most:
		return "string_too_long", fmt.Sprintf("Input should have at most %d bytes", most)
	case strings.ContainsFunc(text, unicode.IsControl):
		return "string_control", "Input should have no control characters"
	}
	return "", ""
}

func (d *formDecoder) bool(name string, absent bool) bool {
	text := d.take(name)
	if text == "" {
		return absent
	}
	value, ok := parseBool(text)
	if !ok {
		input := cut(text)
		d.fail(name, "bool_parsing", "Input should be a valid boolean, unable to interpret input", &input)
	}
	return value
}

// choice is a switch that nobody needs to set; nil when it is absent.
func (d *formDecoder) choice(name string) *bool {
	if d.fields[name].text == "" {
		delete(d.fields, name)
		return nil
	}
	value := d.bool(name, false)
	return &value
}

// parseBool reads the spellings AgentOS accepts.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on", "t", "y":
		return true, true
	case "false", "0", "no", "off", "f", "n":
		return false, true
	}
	return false, false
}

// integer is a whole number that is not below least.
func (d *formDecoder) integer(name string, absent, least int) int {
	text := d.take(name)
	if text == "" {
		return absent
	}
	input := cut(text)
	value, err := strconv.Atoi(text)
	switch {
	case err != nil:
		d.fail(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", &input)
	case value < least:
		d.fail(name, "greater_than_equal", fmt.Sprintf("Input should be greater than or equal to %d", least), &input)
	}
	return value
}

// schema is an object of bounded size; what is in it is for others to judge.
func (d *formDecoder) schema(name string) json.RawMessage {
	if len(d.fields[name].text) > maxSchema {
		d.take(name)
		d.fail(name, "string_too_long", fmt.Sprintf("Input should have at most %d bytes", maxSchema), nil)
	}
	return d.object(name)
}

// object is a field that holds a JSON object; nil when it is absent.
func (d *formDecoder) object(name string) json.RawMessage {
	text := d.take(name)
	if text == "" {
		return nil
	}
	raw := json.RawMessage(text)
	if !json.Valid(raw) {
		input := cut(text)
		d.fail(name, "json_invalid", "Input should be valid JSON", &input)
		return nil
	}
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("{")) {
		input := cut(text)
		d.fail(name, "dict_type", "Input should be a JSON object", &input)
		return nil
	}
	for _, p := range checkMembers(raw) {
		d.fail(name, "json_invalid", p.Path+" "+p.Message, nil)
	}
	return raw
}

// refuseFiles refuses files under any name.
func (d *formDecoder) refuseFiles() {
	for _, name := range slices.Sorted(maps.Keys(d.fields)) {
		if d.fields[name].file {
			d.fail(name, "not_available", "Files are not available yet", nil)
			d.fields[name] = field{} // given, and refused
		}
	}
}

// refuse refuses fields that mean something to AgentOS clients: taken for an
// argument, the run would silently not do what was asked.
func (d *formDecoder) refuse(names ...string) {
	for _, name := range names {
		if d.take(name) != "" {
			d.fail(name, "not_available", "Not available yet", nil)
		}
	}
}

// ignoreSwitch takes switches whose part of AgentOS this host decides by its
// configuration.
func (d *formDecoder) ignoreSwitch(names ...string) {
	for _, name := range names {
		d.bool(name, false)
	}
}

// arguments returns what is left as an object; nil when nothing is.
func (d *formDecoder) arguments() (json.RawMessage, error) {
	if len(d.fields) == 0 {
		return nil, nil
	}
	values := make(map[string]any, len(d.fields))
	for name, f := range d.fields {
		values[name] = argument(f.text)
	}
	return encodeJSON(values)
}

// argument reads a value as AgentOS does: booleans, null, and text.
func argument(text string) any {
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	case "null", "none":
		return nil
	}
	return text
}
