package snaphook

import (
	"bytes"
	"errors"
)

// What a service of the host may answer instead of doing it; errors of Call and
// KV wrap them.
var (
	// ErrNotGranted: the plugin lacks the permission.
	ErrNotGranted = errors.New("not granted")
	// ErrTooLarge: the value, or all of them together, is larger than allowed.
	ErrTooLarge = errors.New("too large")
)

// What a reply of the host begins with.
const (
	replyValue = '='
	replyError = '!'
)

// readReply reads what a function of extism:host/user answered: a value, nothing
// (found is false), or an error.
func readReply(reply []byte) (value []byte, found bool, err error) {
	switch {
	case len(reply) == 0:
		return nil, false, nil
	case reply[0] == replyValue:
		return reply[1:], true, nil
	case reply[0] == replyError:
		return nil, false, replyErrorOf(reply[1:])
	}
	return nil, false, errors.New("the host answered what this SDK does not know")
}

// replyErrorOf reads "code: text".
func replyErrorOf(reply []byte) error {
	code, text, _ := bytes.Cut(reply, []byte(": "))
	switch string(code) {
	case "not_granted":
		return &refusal{string(text), ErrNotGranted}
	case "too_large":
		return &refusal{string(text), ErrTooLarge}
	}
	return errors.New(string(reply))
}

// refusal is an error in the words of the host.
type refusal struct {
	text string
	kind error
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.kind }
