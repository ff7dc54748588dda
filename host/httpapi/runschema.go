package httpapi

import (
	"cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// newRunSchema is a run in its session, in the shape of AgentOS for its kind of
// component. What this host does not make is there as AgentOS has it without: empty
// or null.
func newRunSchema(run *host.Run) object {
	switch run.Component.Kind {
	case host.KindTeam:
		return newTeamSchema(run)
	case host.KindWorkflow:
		return newWorkflowSchema(run)
	}
	return newAgentSchema(run)
}

func newAgentSchema(run *host.Run) object {
	return append(object{
		{"run_id", run.ID},
		{"parent_run_id", run.ParentID},
		{"agent_id", run.Component.ID},
		{"user_id", run.UserID},
		{"status", run.Status},
		{"run_input", inputText(run.Input)},
		{"content", text(run.Content)},
		{"run_response_format", formatOf(run.Content)},
		{"reasoning_content", ""},
		{"reasoning_steps", nothing()},
		{"metrics", newMetricsBody(run)},
		{"messages", listOrNull(newMessages(run))},
		{"tools", schemaTools(run)},
		{"events", nil},
		{"created_at", iso(run.CreatedAt)},
		{"references", nothing()},
		{"citations", nil},
		{"reasoning_messages", nothing()},
		{"session_state", rawOrNull(stateOf(run))},
		{"images", nothing()},
		{"videos", nothing()},
		{"audio", nothing()},
		{"files", nothing()},
		{"response_audio", nil},
		{"input_media", noMedia()},
	}, notContinued()...)
}

func newTeamSchema(run *host.Run) object {
	return append(object{
		{"run_id", run.ID},
		{"parent_run_id", run.ParentID},
		{"team_id", run.Component.ID},
		{"status", run.Status},
		{"content", text(run.Content)},
		{"reasoning_content", ""},
		{"reasoning_steps", nothing()},
		{"run_input", inputText(run.Input)},
		{"run_response_format", formatOf(run.Content)},
		{"metrics", newMetricsBody(run)},
		{"tools", schemaTools(run)},
		{"messages", listOrNull(newMessages(run))},
		{"events", nil},
		{"created_at", iso(run.CreatedAt)},
		{"references", nothing()},
		{"citations", nil},
		{"reasoning_messages", nothing()},
		{"session_state", rawOrNull(run.SessionState)},
		{"input_media", noMedia()},
		{"images", nothing()},
		{"videos", nothing()},
		{"audio", nothing()},
		{"files", nothing()},
		{"response_audio", nil},
	}, notContinued()...)
}

func newWorkflowSchema(run *host.Run) object {
	return object{
		{"run_id", run.ID},
		{"run_input", inputText(run.Input)},
		{"events", nothing()},
		{"workflow_id", run.Component.ID},
		{"user_id", run.UserID},
		{"content", text(run.Content)},
		{"content_type", cmp.Or(run.ContentType, "str")},
		{"status", run.Status},
		{"step_results", stepResults(run)},
		{"step_executor_runs", listOrNull(newRunBodies(run.Children))},
		{"step_requirements", nil},
		{"pause_kind", nil},
		{"paused_step_name", nil},
		{"paused_step_index", nil},
		{"metrics", newWorkflowMetrics(run)},
		{"created_at", iso(run.CreatedAt)},
		{"reasoning_content", ""},
		{"reasoning_steps", nothing()},
		{"references", nothing()},
		{"citations", nil},
		{"reasoning_messages", nothing()},
		{"images", nothing()},
		{"videos", nothing()},
		{"audio", nothing()},
		{"files", nothing()},
		{"response_audio", nil},
	}
}

// schemaTools are the calls of a run that has ended, null where there were none.
func schemaTools(run *host.Run) any {
	if !run.Status.Final() {
		return nil
	}
	return listOrNull(newExecutionBodies(run.Tools))
}

func noMedia() object {
	return object{{"images", nothing()}, {"videos", nothing()}, {"audios", nothing()}, {"files", nothing()}}
}

// notContinued says of a run that it continues no other.
func notContinued() object {
	return object{
		{"followups", nil},
		{"forked_from_run_id", nil},
		{"forked_from_message_index", nil},
		{"forked_from_session_id", nil},
		{"regenerated_from", nil},
		{"last_checkpoint_at_message_index", nil},
	}
}
