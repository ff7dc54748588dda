package script

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// response is what is answered: a text, or any value as JSON, and calls of tools.
type response struct {
	Content   *string         `json:"content"`
	JSON      json.RawMessage `json:"json"`
	ToolCalls []toolCall      `json:"tool_calls"`
}

type toolCall struct {
	Name string `json:"name"`
	// Args is an object; {} when absent.
	Args json.RawMessage `json:"args"`
	// ID is call_<turn>_<number of the call> when empty.
	ID string `json:"id"`
}

var ownID = regexp.MustCompile(`^call_[0-9]+_[0-9]+$`)

// check reports what is wrong with the response, by paths below it.
func (r *response) check(wrong func(is bool, at, message string)) {
	wrong(r.Content == nil && r.JSON == nil && r.ToolCalls == nil, "", "needs content or json")
	wrong(r.Content != nil && r.JSON != nil, "", "has both content and json")
	wrong(r.ToolCalls != nil && len(r.ToolCalls) == 0, ".tool_calls", "is empty")
	wrong(len(r.ToolCalls) > model.MaxToolCalls, ".tool_calls", fmt.Sprintf("has more than %d calls", model.MaxToolCalls))
	ids := map[string]bool{}
	for i, call := range r.ToolCalls {
		at := fmt.Sprintf(".tool_calls[%d]", i)
		wrong(call.Name == "", at, "needs a name")
		wrong(call.Args != nil && call.Args[0] != '{', at+".args", "must be an object")
		wrong(ids[call.ID], at+".id", "is used already")
		wrong(ownID.MatchString(call.ID), at+".id", "is one that calls without an id get")
		ids[call.ID] = call.ID != ""
	}
}

// text is what is said in a conversation.
func (r *response) text(c conversation) string {
	if r.Content != nil {
		return c.placeholders(inText).Replace(*r.Content)
	}
	return c.placeholders(inJSON).Replace(string(r.JSON))
}

// calls are those of one turn of a conversation; nil when there are none.
func (r *response) calls(turn int, c conversation) []host.ToolCall {
	var calls []host.ToolCall
	for i, call := range r.ToolCalls {
		id, args := call.ID, json.RawMessage("{}")
		if id == "" {
			id = fmt.Sprintf("call_%d_%d", turn, i+1)
		}
		if call.Args != nil {
			args = json.RawMessage(c.placeholders(inJSON).Replace(string(call.Args)))
		}
		calls = append(calls, host.ToolCall{ID: id, Name: call.Name, Args: args})
	}
	return calls
}
