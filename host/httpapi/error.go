package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// statusOf is the HTTP status of each code of the domain.
var statusOf = map[host.Code]int{
	host.CodeInvalid:     http.StatusUnprocessableEntity,
	host.CodeNotFound:    http.StatusNotFound,
	host.CodeConflict:    http.StatusConflict,
	host.CodeTooLarge:    http.StatusRequestEntityTooLarge,
	host.CodeBusy:        http.StatusTooManyRequests,
	host.CodeUnavailable: http.StatusServiceUnavailable,
	host.CodeInternal:    http.StatusInternalServerError,
}

// internalDetail is all a client learns of a fault of the host.
const internalDetail = "Internal Server Error"

// The kinds of error_type: whose fault it is.
const (
	faultOfRequest = "request_error"
	faultOfHost    = "host_error"
)

// statusError is an answer of HTTP's own, for which the domain has no code.
type statusError struct {
	status int
	id     string
	detail string
}

func (e *statusError) Error() string { return e.detail }

func unsupportedMediaType(detail string) error {
	return &statusError{status: http.StatusUnsupportedMediaType, id: "unsupported_media_type", detail: detail}
}

// fieldErrors are the fields of a form or a query that are wrong: a 422 in the
// shape of AgentOS.
type fieldErrors struct {
	list []fieldError
	// hint says what to do when the fields alone do not.
	hint string
}

func (e *fieldErrors) Error() string {
	all := make([]string, len(e.list))
	for i, f := range e.list {
		all[i] = strings.Join(f.Loc, ".") + ": " + f.Msg
	}
	return strings.Join(all, "; ")
}

// fieldError is one entry of a 422; Input is null when there was none.
type fieldError struct {
	Type  string   `json:"type"`
	Loc   []string `json:"loc"`
	Msg   string   `json:"msg"`
	Input *string  `json:"input"`
	// Ctx are the values in Msg, for programs.
	Ctx any `json:"ctx,omitempty"`
}

// missingField is the entry for a field that is required.
func missingField(in, name string) fieldError {
	return fieldError{Type: "missing", Loc: []string{in, name}, Msg: "Field required"}
}

// errorBody is the body of every answer that is an error.
type errorBody struct {
	Detail    any            `json:"detail"`
	ErrorID   string         `json:"error_id"`
	ErrorType string         `json:"error_type"`
	Problems  []host.Problem `json:"problems,omitempty"`
	Hint      string         `json:"hint,omitempty"`
}

// describe returns the status and the body that tell err to a client.
func describe(err error) (int, errorBody) {
	var (
		status  *statusError
		fields  *fieldErrors
		problem *host.Error
	)
	switch {
	case errors.As(err, &status):
		return status.status, newErrorBody(status.status, status.id, status.detail)
	case errors.As(err, &fields):
		body := newErrorBody(http.StatusUnprocessableEntity, string(host.CodeInvalid), fields.list)
		body.Hint = fields.hint
		return http.StatusUnprocessableEntity, body
	case errors.As(err, &problem) && problem.Code != host.CodeInternal && statusOf[problem.Code] != 0:
		body := newErrorBody(statusOf[problem.Code], string(problem.Code), detailOf(problem))
		body.Problems = problem.Problems
		return statusOf[problem.Code], body
	}
	return http.StatusInternalServerError,
		newErrorBody(http.StatusInternalServerError, string(host.CodeInternal), internalDetail)
}

func newErrorBody(status int, id string, detail any) errorBody {
	body := errorBody{Detail: detail, ErrorID: id, ErrorType: faultOfRequest}
	if status >= http.StatusInternalServerError {
		body.ErrorType = faultOfHost
	}
	return body
}

// detailText is what a client learns of err, where there is room for a line only.
func detailText(body errorBody, err error) string {
	if detail, ok := body.Detail.(string); ok {
		return detail
	}
	return err.Error() // the fields that are wrong
}

// detailOf is the error in one line: its field, its message, its first problems.
func detailOf(e *host.Error) string {
	const most = 3
	detail := e.Message
	if e.Field != "" {
		detail = e.Field + ": " + detail
	}
	if len(e.Problems) == 0 {
		return detail
	}
	lines := make([]string, 0, most+1)
	for _, p := range e.Problems[:min(most, len(e.Problems))] {
		lines = append(lines, p.String())
	}
	if more := len(e.Problems) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return detail + ": " + strings.Join(lines, "; ")
}

// writeError answers with err, and logs it when it is the host's fault.
func (a *api) writeError(w http.ResponseWriter, r *http.Request, err error) {
	status, body := describeFor(r, err)
	switch status {
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	case http.StatusRequestEntityTooLarge:
		discardBody(w, r)
	}
	a.report(r, err)
	a.writeJSON(w, r, status, body)
}

// describeFor is describe for the client of a request, which may be over.
func describeFor(r *http.Request, err error) (int, errorBody) {
	if isCancelled(r, err) { // read by somebody only when the host stops
		const status = http.StatusServiceUnavailable
		return status, newErrorBody(status, string(host.CodeUnavailable), "The request was cancelled")
	}
	return describe(err)
}

// report logs err, with its cause, when it is a fault of the host.
func (a *api) report(r *http.Request, err error) {
	var own *statusError
	status, _ := describe(err)
	if status < http.StatusInternalServerError || errors.As(err, &own) || isCancelled(r, err) {
		return
	}
	a.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
}

// isCancelled reports whether a request failed because nobody waits for it any
// more.
func isCancelled(r *http.Request, err error) bool {
	return r.Context().Err() != nil && errors.Is(err, context.Canceled)
}

// asFieldErrors turns an error that names a field of a form into the list form
// of a 422; any other error stays as it is.
func asFieldErrors(err error) error {
	var e *host.Error
	if !errors.As(err, &e) || e.Code != host.CodeInvalid || e.Field == "" {
		return err
	}
	return &fieldErrors{list: []fieldError{{Type: "value_error", Loc: []string{"body", e.Field}, Msg: e.Message}}}
}
