package engine

import (
	"bytes"
	"encoding/json"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
)

// asked returns the component a request is for, when the request is one that can
// be run.
func (e *Engine) asked(req *host.RunRequest) (*subject, error) {
	s, err := e.lookup(req.Component.Scope())
	if err != nil {
		return nil, err
	}
	if err := checkRequest(req); err != nil {
		return nil, err
	}
	if req.OutputSchema != nil {
		_, err = compileSchema(req.OutputSchema)
	}
	return s, err
}

// checkRequest refuses what could not be shown to hooks: a run would fail at its
// first hook, and a state that was kept every later run of the session. Fields
// are named as a client spells them.
func checkRequest(req *host.RunRequest) error {
	if !beginsWith(req.Input, `"{`) || !hook.ValidPart(req.Input) {
		return host.Invalid("message", "message must be a string or an object, "+partRule, hook.MaxPartDepth)
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
		if f.value != nil && (!beginsWith(f.value, `{`) || !hook.ValidPart(f.value)) {
			return host.Invalid(f.name, "%s must be a JSON object, "+partRule, f.name, hook.MaxPartDepth)
		}
	}
	if len(req.SessionState) > host.MaxSessionStateBytes {
		return host.Invalid("session_state", "session_state may have %d bytes", host.MaxSessionStateBytes)
	}
	return nil
}

// partRule is what hook.ValidPart asks for, in words.
const partRule = "in valid Unicode and nested at most %d levels deep"

// beginsWith reports whether JSON begins with one of the characters of first.
func beginsWith(data json.RawMessage, first string) bool {
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	return len(trimmed) > 0 && bytes.IndexByte([]byte(first), trimmed[0]) >= 0
}
