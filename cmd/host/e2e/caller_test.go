package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// caller is a model that calls the first tool it is offered with what it was asked,
// and then answers "so " and what the tool said; without tools it answers at once.
type caller struct {
	*openaitest.Server
}

func newCaller(t testing.TB) *caller {
	t.Helper()
	return &caller{openaitest.New(t, func(_ int, req openaitest.Request) openaitest.Answer { return callFirst(req) })}
}

// callFirst is what a caller answers.
func callFirst(req openaitest.Request) openaitest.Answer {
	last := req.Messages[len(req.Messages)-1]
	if last.Role == "tool" || len(req.Tools) == 0 {
		return openaitest.Text("so " + last.Content)
	}
	tool := req.Tools[0]
	args := fmt.Sprintf(`{"text":%q}`, last.Content)
	if tool.Name == host.DelegateToMember {
		member := memberID.FindSubmatch(tool.Parameters)
		args = fmt.Sprintf(`{"member_id":%q,"task":%q}`, member[1], "task of "+last.Content)
	}
	return openaitest.Call(openaitest.ToolCall{ID: "call_1", Name: tool.Name, Arguments: args})
}

// memberID finds the first member in the schema of a delegation.
var memberID = regexp.MustCompile(`"enum":\["([^"]+)"`)

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
