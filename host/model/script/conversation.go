package script

import (
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// conversation is what an answer may depend on.
type conversation struct {
	// input is the last user message.
	input string
	// results are what tools have answered since the assistant last spoke, and tools
	// their names.
	tools   []string
	results []string
}

func read(messages []model.Message) conversation {
	var c conversation
	names := map[string]string{}
	for _, msg := range messages {
		switch msg.Role {
		case "user":
			c.input = host.Text(msg.Content)
		case "assistant":
			c.tools, c.results = nil, nil
			for _, call := range msg.ToolCalls {
				names[call.ID] = call.Name
			}
		case "tool":
			c.tools = append(c.tools, names[msg.ToolCallID])
			c.results = append(c.results, host.Text(msg.Content))
		}
	}
	return c
}

// placeholders stand for parts of the conversation; quote makes those fit for where
// they come to stand.
func (c conversation) placeholders(quote func(string) string) *strings.Replacer {
	result := ""
	if n := len(c.results); n > 0 {
		result = c.results[n-1]
	}
	return strings.NewReplacer("{{input}}", quote(c.input), "{{tool_result}}", quote(result))
}

// inText leaves text as it is.
func inText(text string) string { return text }

// inJSON writes text as a part of a JSON string: no placeholder can stand elsewhere
// in JSON.
func inJSON(text string) string {
	quoted := string(host.TextContent(text))
	return quoted[1 : len(quoted)-1]
}
