package script

import (
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host/model"
)

// condition is when an answer is given: when all that is set holds.
type condition struct {
	// Agent is the id of the agent that asks.
	Agent *string `json:"agent"`
	// Contains is a part of the last user message.
	Contains *string `json:"contains"`
	// Turn is the number of the request in its run, from 1.
	Turn *int `json:"turn"`
	// AfterTool is a tool that has answered since the assistant last spoke.
	AfterTool *string `json:"after_tool"`
	// ToolResultContains is a part of what one has answered since then.
	ToolResultContains *string `json:"tool_result_contains"`
}

func (w *condition) holds(req model.Request, c conversation) bool {
	return (w.Agent == nil || *w.Agent == req.Agent) &&
		(w.Turn == nil || *w.Turn == turn(req)) &&
		(w.Contains == nil || strings.Contains(c.input, *w.Contains)) &&
		(w.AfterTool == nil || slices.Contains(c.tools, *w.AfterTool)) &&
		(w.ToolResultContains == nil || slices.ContainsFunc(c.results, func(result string) bool {
			return strings.Contains(result, *w.ToolResultContains)
		}))
}

// turn takes a request that does not count for the first.
func turn(req model.Request) int { return max(req.Turn, 1) }
