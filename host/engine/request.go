package engine

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
)

// checkRequest refuses what could not be shown to hooks. Fields are named as a
// client spells them.
func checkRequest(req *host.RunRequest) error {
	if !isJSON(req.Input, `"{`) {
		return host.Invalid("message", "message must be a string or an object")
	}
	for _, f := range []struct {
		name  string
		value json.RawMessage
	}{
		{"session_state", req.SessionState},
		{"dependencies", req.Dependencies},
		{"metadata", req.Metadata},
		{"arguments", req.Arguments},
	} {
		if f.value != nil && !isJSON(f.value, `{`) {
			return host.Invalid(f.name, "%s must be a JSON object", f.name)
		}
	}
	return nil
}

// isJSON reports whether data is one JSON value that begins with one of the
// characters of first.
func isJSON(data json.RawMessage, first string) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && bytes.IndexByte([]byte(first), trimmed[0]) >= 0 &&
		utf8.Valid(data) && json.Valid(data)
}
