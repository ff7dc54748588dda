package httpapi

import (
	"cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// workflowEvents are what clients call the events of a workflow's run itself. They
// know none of a run that goes on: that is told by the event that may say anything.
var workflowEvents = map[host.EventKind]string{
	host.EventRunStarted:   "WorkflowStarted",
	host.EventRunContinued: "CustomEvent",
	host.EventRunCompleted: "WorkflowCompleted",
	host.EventRunError:     "WorkflowError",
	host.EventRunCancelled: "WorkflowCancelled",
}

func workflowEventName(e *host.Event) string {
	if e.Step != nil {
		return string(e.Kind)
	}
	return workflowEvents[e.Kind]
}

// newWorkflowEvent renders an event of a workflow or of one of its steps.
func newWorkflowEvent(e *host.Event) object {
	run := e.Run
	event := object{
		{"created_at", e.At.Unix()},
		{"event", eventName(e)},
		{"workflow_id", run.Component.ID},
		{"workflow_name", orNull(run.Component.Name)},
		{"session_id", orNull(run.SessionID)},
		{"run_id", orNull(run.ID)},
	}
	if e.Step == nil {
		event = append(append(event, member{"nested_depth", 0}), runFields(e)...)
		return event.withoutNulls()
	}
	if e.Kind != host.EventStepOutput {
		event = append(event, member{"step_id", e.Step.ID}, member{"parent_step_id", orNull(e.Step.ParentID)})
	}
	event = append(event,
		member{"nested_depth", 0}, member{"step_name", e.Step.Name}, member{"step_index", stepIndex(e.Step.Index)})
	return append(event, stepFields(e.Kind, e.Step)...).withoutNulls()
}

// runFields are those of an event of the workflow's run.
func runFields(e *host.Event) object {
	run := e.Run
	switch e.Kind {
	case host.EventRunContinued:
		return object{{"name", "WorkflowContinued"}}
	case host.EventRunCompleted:
		return object{
			{"content", text(run.Content)},
			{"content_type", cmp.Or(run.ContentType, "str")},
			{"step_results", newStepOutputs(run.Steps)},
			{"step_executor_runs", listOrNull(newRunBodies(run.Children))},
			{"metadata", rawOrNull(run.Metadata)},
			{"metrics", newWorkflowMetrics(run)},
		}
	case host.EventRunCancelled:
		return object{{"reason", cancelReason(run)}, {"content", text(run.Content)}}
	case host.EventRunError:
		failure := newFailureBody(run.Failure)
		return object{
			{"error", failureText(run)},
			{"error_type", orNull(failure.ErrorType)},
			{"error_id", orNull(failure.ErrorID)},
			{"additional_data", rawOrNull(failure.AdditionalData)},
		}
	}
	return nil
}

// stepFields are those of an event of a step.
func stepFields(kind host.EventKind, s *host.StepEvent) object {
	switch kind {
	case host.EventStepCompleted, host.EventStepOutput:
		return outputFields(kind, s.Output)
	case host.EventStepError:
		return object{{"error", s.Error}}
	case host.EventParallelStarted:
		return object{{"parallel_step_count", s.Count}}
	case host.EventParallelCompleted:
		return object{{"parallel_step_count", s.Count}, {"step_results", newStepOutputs(s.Results)}}
	case host.EventLoopStarted, host.EventLoopIterationStarted, host.EventLoopIterationCompleted, host.EventLoopCompleted:
		return loopFields(kind, s)
	case host.EventConditionStarted:
		return object{{"condition_result", s.Holds}}
	case host.EventConditionCompleted:
		return object{
			{"condition_result", s.Holds},
			{"executed_steps", len(s.Results)},
			{"branch", branchOf(s)},
			{"step_results", newStepOutputs(s.Results)},
		}
	case host.EventRouterStarted:
		return object{{"selected_steps", append([]string{}, s.Selected...)}}
	case host.EventRouterCompleted:
		return object{
			{"selected_steps", append([]string{}, s.Selected...)},
			{"executed_steps", len(s.Results)},
			{"step_results", newStepOutputs(s.Results)},
		}
	}
	return nil
}

// outputFields are what a step came to.
func outputFields(kind host.EventKind, o *host.StepOutput) object {
	if o == nil {
		return nil
	}
	if kind == host.EventStepCompleted {
		return object{
			{"content", text(o.Content)},
			{"content_type", cmp.Or(o.ContentType, "str")},
			{"step_response", newStepOutput(o)},
		}
	}
	output := append(stepExecutor(o), stepContent(o))
	output = append(output, stepOutcome(o)...)
	output = append(output, member{"steps", nil}, member{"requires_iteration_review_pause", false})
	return object{{"step_output", output}}
}

func loopFields(kind host.EventKind, s *host.StepEvent) object {
	most := member{"max_iterations", s.MaxIterations}
	switch kind {
	case host.EventLoopIterationStarted:
		return object{{"iteration", s.Iteration}, most}
	case host.EventLoopIterationCompleted:
		return object{
			{"iteration", s.Iteration}, most,
			{"iteration_results", newStepOutputs(s.Results)},
			{"should_continue", s.Continues},
		}
	case host.EventLoopCompleted:
		all := make([][]object, len(s.Iterations))
		for i, results := range s.Iterations {
			all[i] = newStepOutputs(results)
		}
		return object{{"total_iterations", s.Iteration}, most, {"all_results", all}}
	}
	return object{most}
}

// branchOf names the list of steps a condition chose.
func branchOf(s *host.StepEvent) string {
	if s.Holds {
		return "if"
	}
	return "else"
}
