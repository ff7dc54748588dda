package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/snaphook-dev/snaphook/host/hook"
)

// maxSessionName is the length in bytes of a name somebody gives a session.
const maxSessionName = 1024

// bodyDecoder checks members of a body and collects what is wrong with them.
type bodyDecoder struct{ wrong []fieldError }

func (d *bodyDecoder) err() error {
	if d.wrong == nil {
		return nil
	}
	return &fieldErrors{list: d.wrong}
}

func (d *bodyDecoder) fail(name, kind, msg, input string) {
	f := fieldError{Type: kind, Loc: []string{"body", name}, Msg: msg}
	if input != "" {
		input = cut(input)
		f.Input = &input
	}
	d.wrong = append(d.wrong, f)
}

// refuse refuses a member that means something to AgentOS clients: ignored, it
// would silently not do what was asked.
func (d *bodyDecoder) refuse(name, given string) {
	if given != "" {
		d.fail(name, "not_available", "Not available yet", given)
	}
}

// id is an id the client chose, "" when it is absent.
func (d *bodyDecoder) id(name string, given *string) string {
	id := valueOf(given)
	if kind, msg := checkID(id); kind != "" {
		d.fail(name, kind, msg, "")
	}
	return id
}

func (d *bodyDecoder) name(given *string) *string {
	d.text("session_name", valueOf(given), maxSessionName)
	return given
}

// text checks a text that is stored as it is.
func (d *bodyDecoder) text(name, given string, most int) {
	switch {
	case len(given) > most:
		d.fail(name, "string_too_long", "Input should have at most "+strconv.Itoa(most)+" bytes", "")
	case strings.Contains(given, "\x00"): // not every store takes it
		d.fail(name, "string_control", "Input should have no zero bytes", "")
	}
}

// object is a member that holds an object hooks can be shown; nil when it is
// absent or null.
func (d *bodyDecoder) object(name string, given json.RawMessage) json.RawMessage {
	if !isGiven(given) {
		return nil
	}
	switch {
	case !bytes.HasPrefix(given, []byte("{")):
		d.fail(name, "dict_type", "Input should be a JSON object", string(given))
	case !hook.ValidPart(given):
		d.fail(name, "value_error", fmt.Sprintf(
			"Input should be in valid Unicode and nested at most %d levels deep", hook.MaxPartDepth), "")
	}
	return given
}

func isGiven(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// valueOf is the value of an optional member, its zero value when absent.
func valueOf[T any](given *T) T {
	if given == nil {
		var zero T
		return zero
	}
	return *given
}
