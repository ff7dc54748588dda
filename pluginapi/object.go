package pluginapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"unicode/utf8"
)

var errNotJSON = errors.New("not JSON")

// object returns the members of data, which must be one JSON object without
// repeated names. With known names given no other is accepted, in no other
// spelling; encoding/json would take any case. Errors quote nothing of data.
func object(data []byte, known ...string) (map[string]json.RawMessage, error) {
	if !utf8.Valid(data) {
		return nil, errNotJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	open, err := dec.Token()
	if err != nil {
		return nil, errNotJSON
	}
	if open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		if err := member(dec, members, known); err != nil {
			return nil, err
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, errNotJSON
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON object")
	}
	return members, nil
}

// member reads one name and its value.
func member(dec *json.Decoder, members map[string]json.RawMessage, known []string) error {
	token, err := dec.Token()
	if err != nil {
		return errNotJSON
	}
	name, _ := token.(string)
	if _, repeated := members[name]; repeated {
		return errors.New("a member is repeated")
	}
	if len(known) > 0 && !slices.Contains(known, name) {
		return errors.New("unknown member")
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return errNotJSON
	}
	members[name] = raw
	return nil
}

// array returns the items of a JSON array; null has none.
func array(raw json.RawMessage) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil, errors.New("not a JSON array")
	}
	return items, nil
}

func isObject(raw json.RawMessage) bool { return firstByte(raw) == '{' }
func isString(raw json.RawMessage) bool { return firstByte(raw) == '"' }
func isNull(raw json.RawMessage) bool   { return firstByte(raw) == 'n' }

// firstByte returns the first byte of a JSON value, which tells its type, or 0.
func firstByte(raw json.RawMessage) byte {
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); len(trimmed) > 0 {
		return trimmed[0]
	}
	return 0
}
