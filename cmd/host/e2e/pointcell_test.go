package e2e

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// pointCell is one hook, bound in one place.
type pointCell struct {
	place, does string
	point       pluginapi.Point
}

// id names the components of the cell, and every text of its run.
func (c pointCell) id() string {
	return strings.ReplaceAll(fmt.Sprintf("%s-%s-%s", c.place, c.point, c.does), "_", "-")
}

func pointCells() []pointCell {
	var cells []pointCell
	for _, place := range []string{"agent", "team", "member", "workflow", "step"} {
		for _, point := range pluginapi.Points() {
			for _, does := range []string{"allow", "deny", "transform", "trap", "timeout", "malformed"} {
				cells = append(cells, pointCell{place, does, point})
			}
		}
	}
	return cells
}

// hooks is the binding of the cell.
func (c pointCell) hooks() string {
	kind, more := "answers", ""
	switch c.does {
	case "trap":
		kind = "traps"
	case "timeout":
		kind = "loops"
	default:
		more = fmt.Sprintf(", config: {verdict: '%s'}", c.verdict())
	}
	return fmt.Sprintf("[{plugin: points, hook: %s_%s, mode: blocking%s}]", c.point, kind, more)
}

func (c pointCell) verdict() string {
	switch c.does {
	case "allow":
		return allow
	case "deny":
		return deny
	case "malformed":
		return "not JSON"
	}
	return fmt.Sprintf(`{"decision":"transform","transform":{"path":%q,"value":"changed"}}`, c.path())
}

// path is what the cell's transform changes.
func (c pointCell) path() string {
	switch c.point {
	case pluginapi.PointPreModelCall:
		return "$target[1].content" // the user's message
	case pluginapi.PointPreToolCall:
		return cmp.Or(map[string]string{"team": "$target.task", "workflow": "$target.previous"}[c.place], "$target.text")
	case pluginapi.PointPostToolCall:
		return "$target"
	case pluginapi.PointAgentStartup:
		return "$target.tools_registered"
	case pluginapi.PointAgentShutdown:
		return "$target.reason"
	}
	return "$target.content"
}

// component is what a client runs.
func (c pointCell) component() string {
	switch c.place {
	case "agent":
		return c.id()
	case "team", "member":
		return "teams/" + c.id()
	}
	return "workflows/" + c.id()
}

// withheld is what nobody may store or see of a cell whose hook does not permit it as
// it is: the question, the answer or the result. It is nothing where the hook is not
// called.
func (c pointCell) withheld() string {
	if c.does == "allow" {
		return ""
	}
	asked := map[string]string{"agent": "ask ", "team": "ask ", "workflow": "ask "}
	results := map[string]string{
		"agent": "did ask ", "member": "did task of ask ", "workflow": "did so did ask ", "step": "did ask ",
	}
	answers := map[string]string{
		"agent": "so did ask ", "team": "so so did task of ask ", "member": "so did task of ask ",
		"workflow": "did so did ask ", "step": "so did ask ",
	}
	texts := map[pluginapi.Point]map[string]string{
		pluginapi.PointAgentStartup: asked, pluginapi.PointInput: asked,
		pluginapi.PointPostToolCall: results, pluginapi.PointOutput: answers,
	}
	if text := texts[c.point][c.place]; text != "" {
		return text + c.id()
	}
	return ""
}
