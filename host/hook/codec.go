package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// firstByte is the byte that tells the type of a JSON value, 0 for none.
func firstByte(data json.RawMessage) byte {
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 {
		return trimmed[0]
	}
	return 0
}

// decode keeps the text of numbers, so that what a transform does not touch
// stays as it is.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON value")
	}
	return v, nil
}

func encode(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// exactly decodes an object that has these members and no others, in this
// spelling; encoding/json would take any case. A name that ends with ? may be
// missing.
func exactly(data json.RawMessage, into any, names ...string) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return errTransformInvalid
	}
	for _, name := range names {
		name, optional := strings.CutSuffix(name, "?")
		if _, has := members[name]; !has && !optional {
			return errTransformInvalid
		}
		delete(members, name)
	}
	if len(members) > 0 {
		return errTransformInvalid
	}
	return json.Unmarshal(data, into)
}
