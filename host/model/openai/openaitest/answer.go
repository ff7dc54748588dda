package openaitest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Answer is what the server answers to one request. The zero value is an empty
// text, finished with "stop".
type Answer struct {
	// Content is the text; Deltas are its pieces in a stream, by default one for
	// each word. Only one of the two is needed.
	Content string
	Deltas  []string
	// Refusal is what the model says instead of Content.
	Refusal string
	// ToolCalls come after the text. In a stream the arguments of each come in
	// pieces; with Interleaved the pieces of all calls take turns.
	ToolCalls   []ToolCall
	Interleaved bool
	// FinishReason is "stop" when empty, or "tool_calls" with some. With any other a
	// response of /responses is incomplete.
	FinishReason string
	// The usage; CachedTokens are part of PromptTokens, ReasoningTokens of
	// CompletionTokens.
	PromptTokens     int
	CompletionTokens int
	CachedTokens     int
	ReasoningTokens  int

	// Status, when not 0, answers an error with Code and Error.
	Status int
	Code   string
	Error  string
	// RetryAfter is the header of that name.
	RetryAfter string
	// Late answers the error of Code and Error inside an answer of status 200:
	// a stream after its deltas, another response as failed.
	Late bool

	// Raw, when not empty, is the body instead of all the above but Status and
	// RetryAfter; with Endless it is repeated until the client has gone.
	Raw     string
	Endless bool
	// Drop closes the connection before the first byte.
	Drop bool
	// Cut drops the connection before the answer is finished: a stream after its
	// deltas and tool calls, another answer half way.
	Cut bool
	// Unfinished ends a stream in good order before the model has finished; another
	// response is still in progress.
	Unfinished bool
	// Hold, when not nil, keeps the answer back until it is closed or the client
	// has gone: all of it, and of a stream all but the first delta.
	Hold <-chan struct{}
}

// Text is an answer in words.
func Text(content string) Answer {
	return Answer{Content: content, PromptTokens: 7, CompletionTokens: len(strings.Fields(content))}
}

// Failure is an error the server answers.
func Failure(status int, code, message string) Answer {
	return Answer{Status: status, Code: code, Error: message}
}

func (a Answer) write(w http.ResponseWriter, r *http.Request, req Request) {
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	form := forms[req.API]
	switch {
	case a.Drop:
		panic(http.ErrAbortHandler)
	case a.Raw != "":
		a.raw(w, r)
	case a.Status != 0:
		fail(w, a.Status, a)
	case req.Stream:
		a.stream(w, r, form.stream(a, req))
	default:
		a.whole(w, r, form.whole(a, req))
	}
}

// form is how one of the interfaces writes an answer.
type form struct {
	whole  func(Answer, Request) object
	stream func(Answer, Request) eventStream
}

var forms = map[string]form{
	Chat:      {whole: chatCompletion, stream: chatStream},
	Responses: {whole: response, stream: responseStream},
}

// eventStream is the text of a stream, in pieces that are asked for in order.
type eventStream struct {
	head  string
	delta func(text string) string
	calls func() string
	tail  func() string
}

func (a Answer) raw(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(max(a.Status, http.StatusOK))
	send(w, a.Raw)
	for a.Endless && r.Context().Err() == nil {
		send(w, a.Raw)
	}
}

func (a Answer) whole(w http.ResponseWriter, r *http.Request, answer object) {
	if !a.wait(r) {
		return
	}
	body := text(answer)
	w.Header().Set("Content-Type", "application/json")
	if a.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	}
	send(w, body)
}

func (a Answer) stream(w http.ResponseWriter, r *http.Request, s eventStream) {
	w.Header().Set("Content-Type", "text/event-stream")
	send(w, s.head)
	deltas := a.deltas()
	for i, delta := range deltas {
		if i == 1 && !a.wait(r) {
			return
		}
		send(w, s.delta(delta))
	}
	if len(deltas) < 2 && !a.wait(r) {
		return
	}
	send(w, s.calls())
	if a.Cut {
		panic(http.ErrAbortHandler)
	}
	send(w, s.tail())
}

// wait returns false when the client has gone.
func (a Answer) wait(r *http.Request) bool {
	if a.Hold == nil {
		return true
	}
	select {
	case <-a.Hold:
		return true
	case <-r.Context().Done():
		return false
	}
}

func (a Answer) content() string {
	if a.Content == "" {
		return strings.Join(a.Deltas, "")
	}
	return a.Content
}

func (a Answer) deltas() []string {
	whole := a.Content + a.Refusal
	if len(a.Deltas) > 0 || whole == "" {
		return a.Deltas
	}
	return strings.SplitAfter(whole, " ")
}

func (a Answer) finishReason() string {
	switch {
	case a.FinishReason != "":
		return a.FinishReason
	case len(a.ToolCalls) > 0:
		return "tool_calls"
	}
	return "stop"
}

type object map[string]any

func text(v object) string {
	data, err := json.Marshal(v)
	if err != nil { // made of texts and numbers only
		panic(err)
	}
	return string(data)
}

// orNull is null for no text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func fail(w http.ResponseWriter, status int, a Answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	send(w, text(a.failure("invalid_request_error")))
}

// failure is an error in the form that all interfaces share.
func (a Answer) failure(kind string) object {
	return object{"error": object{"message": a.Error, "type": kind, "param": nil, "code": orNull(a.Code)}}
}

// send writes at once, so that a stream arrives piece by piece. A client that
// has gone is none of the server's business.
func send(w http.ResponseWriter, body string) {
	if _, err := io.WriteString(w, body); err != nil {
		return
	}
	if f, ok := w.(http.Flusher); ok {
		f.Flush()
	}
}
