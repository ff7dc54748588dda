package host

import (
	"errors"
	"fmt"
	"strings"
)

// Code classifies an Error. The set is closed; httpapi maps it to a status.
type Code string

// The codes.
const (
	CodeInvalid     Code = "invalid"     // the request is wrong; Field says where
	CodeNotFound    Code = "not_found"   // what was named does not exist
	CodeConflict    Code = "conflict"    // it exists already, or its state forbids the act
	CodeTooLarge    Code = "too_large"   // larger than the limit
	CodeBusy        Code = "busy"        // a queue is full
	CodeUnavailable Code = "unavailable" // the host cannot do it now
	CodeInternal    Code = "internal"    // a fault of the host
)

// Error is an error a client may see: Message is for the client, Err for the log.
type Error struct {
	Code    Code
	Message string
	// Field names the input that is wrong, as the client spells it.
	Field string
	// Problems lists everything that is wrong when there is more than one thing.
	Problems []Problem
	Err      error
}

// Problem is one thing that is wrong with a document.
type Problem struct {
	// Path is the place in the document, such as hooks[0].point.
	Path string `json:"path,omitempty"`
	// Line is 1-based; 0 when the document has no lines.
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// String writes the problem as "line 3: hooks[0].point: …".
func (p Problem) String() string {
	var b strings.Builder
	if p.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", p.Line)
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Error joins the message, the problems and the cause.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, p := range e.Problems {
		b.WriteString("; " + p.String())
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error without a cause.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Invalid makes an Error that names the field that is wrong.
func Invalid(field, format string, args ...any) *Error {
	return &Error{Code: CodeInvalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal when
// there is none, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// ErrStale is wrapped by a worker's write that lost its fence: another attempt
// owns the row, or it is final already. Nothing was written.
var ErrStale = errors.New("the row belongs to another attempt")
