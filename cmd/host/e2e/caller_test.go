package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// caller is a model that calls each tool it is offered with what it was asked, members
// one by one, and then answers "so " and what the last one said; without tools it
// answers at once.
type caller struct {
	*openaitest.Server
}

func newCaller(t testing.TB) *caller {
	t.Helper()
	return &caller{openaitest.New(t, func(_ int, req openaitest.Request) openaitest.Answer { return callEach(req) })}
}

// callEach is what a caller answers.
func callEach(req openaitest.Request) openaitest.Answer {
	last := req.Messages[len(req.Messages)-1]
	if last.Role == "tool" || len(req.Tools) == 0 {
		return openaitest.Text("so " + last.Content)
	}
	var calls []openaitest.ToolCall
	call := func(name, args string) {
		calls = append(calls, openaitest.ToolCall{ID: fmt.Sprintf("call_%d", len(calls)), Name: name, Arguments: args})
	}
	for _, tool := range req.Tools {
		if tool.Name != host.DelegateToMember {
			call(tool.Name, fmt.Sprintf(`{"text":%q}`, last.Content))
			continue
		}
		for _, id := range memberIDs(tool) {
			call(tool.Name, fmt.Sprintf(`{"member_id":%q,"task":%q}`, id, "task of "+last.Content))
		}
	}
	return openaitest.Call(calls...)
}

// memberIDs are the members a delegation may go to.
func memberIDs(tool openaitest.Tool) []string {
	var schema struct {
		Properties struct {
			MemberID struct {
				Enum []string `json:"enum"`
			} `json:"member_id"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(tool.Parameters, &schema); err != nil {
		panic(err) // the server has read it
	}
	return schema.Properties.MemberID.Enum
}

// asked are the last messages of the requests of a cell, in their order.
func (c *caller) asked(cell string) []string {
	var asked []string
	for _, req := range c.Requests() {
		if strings.HasPrefix(req.Messages[0].Content, "Cell "+cell+".") {
			last := req.Messages[len(req.Messages)-1]
			asked = append(asked, last.Role+" "+last.Content)
		}
	}
	return slices.Clip(asked)
}
