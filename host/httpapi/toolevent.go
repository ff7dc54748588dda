package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// toolEvent is ToolCallStarted and ToolCallCompleted.
type toolEvent struct {
	eventHead
	Content string        `json:"content,omitempty"`
	Tool    executionBody `json:"tool"`
}

// toolErrorEvent is ToolCallError.
type toolErrorEvent struct {
	eventHead
	Tool  executionBody `json:"tool"`
	Error string        `json:"error"`
}

func newToolEvent(head eventHead, e *host.Event) any {
	tool := e.Tool
	if tool == nil {
		tool = &host.ToolExecution{}
	}
	body := newExecutionBody(tool)
	switch e.Kind {
	case host.EventToolCallError:
		return toolErrorEvent{eventHead: head, Tool: body, Error: valueOf(tool.Result)}
	case host.EventToolCallCompleted:
		return toolEvent{eventHead: head, Content: callText(tool), Tool: body}
	}
	return toolEvent{eventHead: head, Tool: body}
}

// callText tells of a call that has ended in the words of AgentOS. Long values are
// cut: the call has them whole.
func callText(t *host.ToolExecution) string {
	return fmt.Sprintf("%s(%s) completed in %.4fs. ", t.Name, argumentText(t.Args), max(0, duration(t).Seconds()))
}

// argumentText is the members of an object as name=value, in their order.
func argumentText(args json.RawMessage) string {
	var pairs []string
	members := json.NewDecoder(bytes.NewReader(args))
	if _, err := members.Token(); err != nil { // the opening brace
		return ""
	}
	for members.More() {
		name, err := members.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if err := members.Decode(&value); err != nil {
			break
		}
		text := string(value)
		if text[0] == '"' {
			text = host.Text(value)
		}
		pairs = append(pairs, fmt.Sprintf("%s=%s", name, cut(text)))
	}
	return strings.Join(pairs, ", ")
}
