package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// encodeJSON is json.Marshal without HTML escapes, also in what was marshalled
// before.
func encodeJSON(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode json: %w", err)
	}
	return withoutHTMLEscapes(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// htmlEscapes are the escapes json.Marshal adds for the sake of HTML.
var htmlEscapes = map[string]byte{`\u003c`: '<', `\u003e`: '>', `\u0026`: '&'}

func withoutHTMLEscapes(data []byte) []byte {
	if !bytes.Contains(data, []byte(`\u00`)) {
		return data
	}
	const length = len(`\u0000`)
	out := data[:0]
	for i := 0; i < len(data); {
		if data[i] != '\\' {
			out = append(out, data[i])
			i++
			continue
		}
		if char, ok := htmlEscapes[string(data[i:min(i+length, len(data))])]; ok {
			out = append(out, char)
			i += length
			continue
		}
		out = append(out, data[i], data[i+1]) // an escaped backslash stays with its own
		i += 2
	}
	return out
}

// lineEnds are the characters some clients take for the end of a line beside
// those JSON escapes itself. In a document they stand in strings only.
var lineEnds = map[string]string{"\u0085": `\u0085`, "\u2028": `\u2028`, "\u2029": `\u2029`}

// oneLine escapes them.
func oneLine(data []byte) []byte {
	for char, escape := range lineEnds {
		data = bytes.ReplaceAll(data, []byte(char), []byte(escape))
	}
	return data
}
