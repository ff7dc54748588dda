package openaitest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Answer is what the server answers to one request. The zero value is an empty
// text, finished with "stop".
type Answer struct {
	// Content is the text; Deltas are its pieces in a stream, by default one for
	// each word. Only one of the two is needed.
	Content string
	Deltas  []string
	// FinishReason is "stop" when empty.
	FinishReason string
	// PromptTokens and CompletionTokens are the usage.
	PromptTokens     int
	CompletionTokens int

	// Status, when not 0, answers an error with Code and Error.
	Status int
	Code   string
	Error  string

	// Raw, when not empty, is the body instead of all the above but Status.
	Raw string
	// Cut drops the connection before the answer is finished: a stream after its
	// deltas, another answer half way.
	Cut bool
	// Unfinished ends a stream in good order but without finish_reason.
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
	switch {
	case a.Raw != "":
		w.WriteHeader(max(a.Status, http.StatusOK))
		send(w, a.Raw)
	case a.Status != 0:
		fail(w, a.Status, a)
	case req.Stream:
		a.stream(w, r, req)
	default:
		a.whole(w, r, req)
	}
}

func fail(w http.ResponseWriter, status int, a Answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	var code any // null when the provider gives none
	if a.Code != "" {
		code = a.Code
	}
	send(w, text(object{"error": object{
		"message": a.Error, "type": "invalid_request_error", "param": nil, "code": code,
	}}))
}

func (a Answer) whole(w http.ResponseWriter, r *http.Request, req Request) {
	if !a.wait(r) {
		return
	}
	body := text(object{
		"id": "chatcmpl-test", "object": "chat.completion", "created": 1, "model": req.Model,
		"choices": []object{{
			"index": 0, "finish_reason": a.finishReason(), "logprobs": nil,
			"message": object{"role": "assistant", "content": a.content(), "refusal": nil},
		}},
		"usage": a.usage(),
	})
	w.Header().Set("Content-Type", "application/json")
	if a.Cut {
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		body = body[:len(body)/2]
	}
	send(w, body)
}

func (a Answer) stream(w http.ResponseWriter, r *http.Request, req Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	chunk := func(choices []object, usage any) {
		send(w, "data: "+text(object{
			"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": req.Model,
			"choices": choices, "usage": usage,
		})+"\n\n")
	}
	chunk([]object{{"index": 0, "delta": object{"role": "assistant", "content": ""}, "finish_reason": nil}}, nil)
	for i, delta := range a.deltas() {
		if i == 1 && !a.wait(r) {
			return
		}
		chunk([]object{{"index": 0, "delta": object{"content": delta}, "finish_reason": nil}}, nil)
	}
	if len(a.deltas()) < 2 && !a.wait(r) {
		return
	}
	if a.Cut {
		panic(http.ErrAbortHandler)
	}
	if !a.Unfinished {
		chunk([]object{{"index": 0, "delta": object{}, "finish_reason": a.finishReason()}}, nil)
	}
	if req.StreamOptions.IncludeUsage {
		chunk([]object{}, a.usage())
	}
	send(w, "data: [DONE]\n\n")
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
	if len(a.Deltas) > 0 || a.Content == "" {
		return a.Deltas
	}
	return strings.SplitAfter(a.Content, " ")
}

func (a Answer) finishReason() string {
	if a.FinishReason == "" {
		return "stop"
	}
	return a.FinishReason
}

func (a Answer) usage() object {
	return object{
		"prompt_tokens": a.PromptTokens, "completion_tokens": a.CompletionTokens,
		"total_tokens": a.PromptTokens + a.CompletionTokens,
	}
}

type object map[string]any

func text(v object) string {
	data, err := json.Marshal(v)
	if err != nil { // made of texts and numbers only
		panic(err)
	}
	return string(data)
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
