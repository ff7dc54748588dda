package httpapi

import (
	"context"
	"encoding/json"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// toolsTimeout bounds how long an answer waits for those who have to say which tools
// they have.
const toolsTimeout = 5 * time.Second

// toolsBody is what an agent or a team may call.
type toolsBody struct {
	Tools         []toolBody `json:"tools"`
	ToolCallLimit int        `json:"tool_call_limit,omitempty"`
}

type toolBody struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
}

// newToolsBody lists the tools of an agent, or of a team by its leader, as far as
// they can be found out; nil when there are none.
func (a *api) newToolsBody(ctx context.Context, agent *host.Agent, scope host.BindingScope) *toolsBody {
	definitions, err := a.engine.ToolDefinitions(ctx, scope)
	if err != nil {
		a.log.WarnContext(ctx, "list tools", "kind", scope.Kind, "component", scope.ID, "error", err)
	}
	if len(definitions) == 0 {
		return nil
	}
	body := &toolsBody{ToolCallLimit: agent.ToolCallLimit}
	for _, d := range definitions {
		body.Tools = append(body.Tools, toolBody{Name: d.Name, Description: d.Description, Parameters: d.Parameters})
	}
	return body
}

// executionBody is a ToolExecution of AgentOS. All its keys are always there; what
// this host does not do is null.
type executionBody struct {
	ToolCallID                string           `json:"tool_call_id"`
	ToolName                  string           `json:"tool_name"`
	ToolArgs                  json.RawMessage  `json:"tool_args"`
	ToolCallError             *bool            `json:"tool_call_error"`
	Result                    *string          `json:"result"`
	Metrics                   *toolMetricsBody `json:"metrics"`
	ChildRunID                *string          `json:"child_run_id"`
	StopAfterToolCall         bool             `json:"stop_after_tool_call"`
	CreatedAt                 int64            `json:"created_at"`
	RequiresConfirmation      *bool            `json:"requires_confirmation"`
	Confirmed                 *bool            `json:"confirmed"`
	ConfirmationNote          *string          `json:"confirmation_note"`
	RequiresUserInput         *bool            `json:"requires_user_input"`
	UserInputSchema           []struct{}       `json:"user_input_schema"`
	UserFeedbackSchema        []struct{}       `json:"user_feedback_schema"`
	Answered                  *bool            `json:"answered"`
	ExternalExecutionRequired *bool            `json:"external_execution_required"`
	ExternalExecutionSilent   *bool            `json:"external_execution_silent"`
	ApprovalType              *string          `json:"approval_type"`
	ApprovalID                *string          `json:"approval_id"`
}

// toolMetricsBody is in seconds; the times are since 1970.
type toolMetricsBody struct {
	StartTime float64 `json:"start_time"`
	EndTime   float64 `json:"end_time"`
	Duration  float64 `json:"duration"`
}

func newExecutionBody(t *host.ToolExecution) executionBody {
	body := executionBody{
		ToolCallID: t.ID, ToolName: t.Name, ToolArgs: orEmpty(t.Args), Result: t.Result,
		Metrics: newToolMetrics(t), CreatedAt: unix(t.CreatedAt),
	}
	if t.Result != nil {
		body.ToolCallError = &t.Error
	}
	if t.ChildRunID != "" {
		body.ChildRunID = &t.ChildRunID
	}
	return body
}

// newToolMetrics is nil for a call that has not ended, or was never made.
func newToolMetrics(t *host.ToolExecution) *toolMetricsBody {
	if t.StartedAt.IsZero() || t.FinishedAt.IsZero() {
		return nil
	}
	return &toolMetricsBody{
		StartTime: seconds(t.StartedAt), EndTime: seconds(t.FinishedAt), Duration: duration(t).Seconds(),
	}
}

func newExecutionBodies(tools []host.ToolExecution) []executionBody {
	bodies := make([]executionBody, len(tools))
	for i := range tools {
		bodies[i] = newExecutionBody(&tools[i])
	}
	return bodies
}

// seconds is t since 1970, with microseconds.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func duration(t *host.ToolExecution) time.Duration { return t.FinishedAt.Sub(t.StartedAt) }
