package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

const (
	// maxDocument is the size of a JSON body.
	maxDocument = 1 << 20
	// bodyTimeout is how long a client may take to send a body, writeTimeout how
	// long to take an answer, or a frame of a stream.
	bodyTimeout  = 2 * time.Minute
	writeTimeout = 30 * time.Second
	// maxDiscard and discardTimeout bound what is read of a body that was
	// refused for its size, so that its client gets to read the answer.
	maxDiscard     = 128 << 20
	discardTimeout = 10 * time.Second
)

// withBody hands the body to read: bounded, and in time. A body that is too
// large is CodeTooLarge, one that does not come whole CodeInvalid.
func withBody(w http.ResponseWriter, r *http.Request, limit int64, read func(io.Reader) error) error {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTimeout)) // a test's recorder has none
	err := read(http.MaxBytesReader(nil, r.Body, limit))
	_ = deadline.SetReadDeadline(time.Time{})
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &host.Error{
			Code: host.CodeTooLarge, Err: err,
			Message: fmt.Sprintf("The body is larger than %s", pluginapi.Size(limit)),
		}
	}
	return err
}

// unreadable is a body that broke off or is not what its type says.
func unreadable(what string, err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return &host.Error{Code: host.CodeInvalid, Message: "The " + what + " could not be read", Err: err}
}

// discardBody reads on after a refusal: a client that is still sending would
// else see its connection reset instead of the answer.
func discardBody(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(discardTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, maxDiscard)
}

// readDocument decodes a JSON body into v. members are the members its objects
// may have, by depth; deeper objects may have any. Members that are unknown or
// repeated are refused, all of them at once.
func readDocument(w http.ResponseWriter, r *http.Request, v any, members ...[]string) error {
	if name, _ := mediaType(r); name != "application/json" {
		return unsupportedMediaType("The Content-Type must be application/json")
	}
	return withBody(w, r, maxDocument, func(body io.Reader) error {
		data, err := io.ReadAll(body)
		if err != nil {
			return unreadable("body", err)
		}
		return decodeDocument(data, v, members...)
	})
}

func decodeDocument(data []byte, v any, members ...[]string) error {
	if !json.Valid(data) || !utf8.Valid(data) {
		return host.Errorf(host.CodeInvalid, "The body is not a JSON document")
	}
	if problems := checkMembers(data, members...); len(problems) > 0 {
		return &host.Error{Code: host.CodeInvalid, Message: "The body is not valid", Problems: problems}
	}
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	refusal := &host.Error{Code: host.CodeInvalid, Message: "The body is not valid", Err: err}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		refusal.Problems = []host.Problem{{Path: wrong.Field, Message: "has the wrong type " + wrong.Value}}
	}
	return refusal
}

// writeJSON answers with v: compact, UTF-8, without HTML escapes.
func (a *api) writeJSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	data, err := encodeJSON(v)
	if err != nil {
		a.log.ErrorContext(r.Context(), "encode answer", "method", r.Method, "path", r.URL.Path, "error", err)
		status, data = http.StatusInternalServerError, []byte(`{"detail":"`+internalDetail+`"}`)
	}
	extendDeadline(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // a client that left reads nothing
}
