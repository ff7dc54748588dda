package openai

import (
	"encoding/json"
	"errors"
	"strings"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

var (
	errTooManyCalls  = errors.New("the answer has too many tool calls")
	errCallsTooLarge = errors.New("the tool calls of the answer are too large")
	errNamelessCall  = errors.New("a tool call names no tool")
)

// toolCalls gathers what a model asks for, in the order in which it begins to.
type toolCalls struct {
	list []*toolCall
	// byIndex finds the call that a piece of a stream belongs to.
	byIndex map[int]*toolCall
	// size is what is kept of all calls, in bytes.
	size int
}

type toolCall struct {
	id, name  string
	arguments strings.Builder
}

// begin adds a call of which nothing is known.
func (c *toolCalls) begin() (*toolCall, error) {
	if len(c.list) == model.MaxToolCalls {
		return nil, errTooManyCalls
	}
	call := &toolCall{}
	c.list = append(c.list, call)
	return call, nil
}

// add adds a whole call.
func (c *toolCalls) add(id, name, arguments string) error {
	call, err := c.begin()
	if err != nil {
		return err
	}
	return c.extend(call, id, name, arguments)
}

// addPiece adds a piece of a stream to its call. One that says nothing, as some
// servers send at the end, begins no call.
func (c *toolCalls) addPiece(piece sdk.ToolCall) error {
	id, f := piece.ID, piece.Function
	if id == "" && f == (sdk.FunctionCall{}) {
		return nil
	}
	call := c.current(piece.Index)
	if call == nil || call.isOther(piece) {
		var err error
		if call, err = c.begin(); err != nil {
			return err
		}
	}
	if piece.Index != nil {
		if c.byIndex == nil {
			c.byIndex = map[int]*toolCall{}
		}
		c.byIndex[*piece.Index] = call
	}
	return c.extend(call, id, f.Name, f.Arguments)
}

// current is the call that pieces with an index have gone to, or, for those
// without, the last one; nil when there is none.
func (c *toolCalls) current(index *int) *toolCall {
	if index != nil {
		return c.byIndex[*index]
	}
	if len(c.list) == 0 {
		return nil
	}
	return c.list[len(c.list)-1]
}

// isOther reports whether a piece begins another call than the one it seems to
// belong to: some servers send whole calls without an index, or all with the same.
// A piece without a name never does, because some make a new id for each.
func (c *toolCall) isOther(piece sdk.ToolCall) bool {
	switch {
	case piece.Function.Name == "":
		return false
	case piece.Index == nil:
		return piece.ID == "" || piece.ID != c.id
	}
	return piece.ID != "" && c.id != "" && piece.ID != c.id
}

// extend adds to a call. Its id and name are those said first.
func (c *toolCalls) extend(call *toolCall, id, name, arguments string) error {
	if call.id == "" {
		call.id = id
		c.size += len(id)
	}
	if call.name == "" {
		call.name = name
		c.size += len(name)
	}
	if c.size += len(arguments); c.size > model.MaxToolCallBytes {
		return errCallsTooLarge
	}
	call.arguments.WriteString(arguments)
	return nil
}

// addTo returns an answer to asked with the calls in it. Calls that the provider
// broke off are nobody's wish.
func (c *toolCalls) addTo(response model.Response, asked model.Request) (model.Response, error) {
	if len(c.list) == 0 {
		return response, nil
	}
	switch sdk.FinishReason(response.FinishReason) {
	case sdk.FinishReasonLength, sdk.FinishReasonContentFilter:
		return model.Response{}, &incompleteError{response.FinishReason}
	}
	response.FinishReason = string(sdk.FinishReasonToolCalls)
	taken := callIDs(asked.Messages)
	for _, call := range c.list {
		if call.name == "" {
			return model.Response{}, errNamelessCall
		}
		if call.id == "" || taken[call.id] {
			call.id = newCallID()
		}
		taken[call.id] = true
		response.ToolCalls = append(response.ToolCalls, host.ToolCall{
			ID: call.id, Name: call.name, Args: argumentObject(call.arguments.String()),
		})
	}
	return response, nil
}

// callIDs are the ids of the calls of a conversation. There are servers that count
// from 0 in every answer.
func callIDs(messages []model.Message) map[string]bool {
	ids := map[string]bool{}
	for _, msg := range messages {
		for _, call := range msg.ToolCalls {
			ids[call.ID] = true
		}
	}
	return ids
}

// newCallID makes the id that a server left out. OpenAI takes 40 bytes.
func newCallID() string { return "call_" + strings.ReplaceAll(host.NewID(), "-", "") }

// argumentObject is the object that a model wrote, {} when it wrote nothing, and
// nil when it wrote something else.
func argumentObject(text string) json.RawMessage {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return json.RawMessage("{}")
	case text[0] != '{' || !json.Valid([]byte(text)):
		return nil
	}
	return json.RawMessage(text)
}
