package httpapi

import (
	"cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// newWorkflowRun is a WorkflowRunOutput of AgentOS, in its order, with what refused
// or failed the run at the end.
func newWorkflowRun(run *host.Run, events *[]struct{}) object {
	failure := newFailureBody(run.Failure)
	return object{
		{"input", rawOrNull(run.Input)},
		{"content", rawOrNull(run.Content)},
		{"content_type", cmp.Or(run.ContentType, "str")},
		{"workflow_id", run.Component.ID},
		{"workflow_name", orNull(run.Component.Name)},
		{"run_id", run.ID},
		{"session_id", run.SessionID},
		{"user_id", orNull(run.UserID)},
		{"parent_run_id", orNull(run.ParentID)},
		{"created_at", run.CreatedAt.Unix()},
		{"status", run.Status},
		{"images", nothing()},
		{"videos", nothing()},
		{"audio", nothing()},
		{"files", nothing()},
		{"step_results", stepResults(run)},
		{"step_executor_runs", listOrNull(newRunBodies(run.Children))},
		{"metrics", newWorkflowMetrics(run)},
		{"events", orNull(events)},
		{"metadata", rawOrNull(run.Metadata)},
		{"error_type", orNull(failure.ErrorType)},
		{"error_id", orNull(failure.ErrorID)},
		{"additional_data", rawOrNull(failure.AdditionalData)},
	}.withoutNulls()
}

// stepResults are what the steps of a run came to that has ended; null before.
func stepResults(run *host.Run) any {
	if !run.Status.Final() {
		return nil
	}
	return newStepOutputs(run.Steps)
}

func newStepOutputs(outputs []host.StepOutput) []object {
	bodies := make([]object, len(outputs))
	for i := range outputs {
		bodies[i] = newStepOutput(&outputs[i])
	}
	return bodies
}

// newStepOutput is a StepOutput of AgentOS: all keys are there, be they null, but
// for the steps inside.
func newStepOutput(o *host.StepOutput) object {
	body := append(object{stepContent(o)}, stepExecutor(o)...)
	body = append(body, stepOutcome(o)...)
	if len(o.Steps) > 0 {
		body = append(body, member{"steps", newStepOutputs(o.Steps)})
	}
	return body
}

func stepContent(o *host.StepOutput) member { return member{"content", rawOrNull(o.Content)} }

// stepExecutor says which step it is and who carried it out.
func stepExecutor(o *host.StepOutput) object {
	return object{
		{"step_name", o.Name},
		{"step_id", o.ID},
		{"step_type", stepTypes[o.Kind]},
		{"executor_type", orNull(executorType(o))},
		{"executor_name", orNull(o.Executor.Name)},
	}
}

// executorType is "" for a step that was skipped.
func executorType(o *host.StepOutput) string {
	switch {
	case o.Executor == host.Component{}:
		return ""
	case o.Kind == host.StepComponent:
		return string(o.Executor.Kind)
	}
	return string(o.Kind)
}

// stepOutcome is the rest.
func stepOutcome(o *host.StepOutput) object {
	var metrics any
	if o.Metrics != nil {
		metrics = newStepMetrics(o)
	}
	return object{
		{"step_run_id", orNull(o.RunID)},
		{"images", nil},
		{"videos", nil},
		{"audio", nil},
		{"files", nil},
		{"metrics", metrics},
		{"success", o.Error == ""},
		{"error", orNull(o.Error)},
		{"stop", false},
		{"is_paused", false},
	}
}

func newStepMetrics(o *host.StepOutput) metricsBody {
	return newUsedBody(o.Metrics, o.Model, o.ModelProvider, true)
}

// newWorkflowMetrics is what the components of a workflow used, by the names of their
// steps. Clients ask for steps and all that is in one.
func newWorkflowMetrics(run *host.Run) object {
	steps := object{}
	if run.Status.Final() {
		steps.addMetrics(run.Steps)
	}
	return object{{"steps", steps}, {"duration", orNull(run.Metrics.Duration)}}.withoutNulls()
}

// addMetrics adds those of the steps and the steps inside. Of a step that was
// carried out several times the last one counts.
func (o *object) addMetrics(outputs []host.StepOutput) {
	for i := range outputs {
		out := &outputs[i]
		if out.Metrics != nil {
			o.set(member{out.Name, object{
				{"step_name", out.Name},
				{"executor_type", executorType(out)},
				{"executor_name", out.Executor.Name},
				{"metrics", newStepMetrics(out)},
			}})
		}
		o.addMetrics(out.Steps)
	}
}
