package httpapi

import (
	"context"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// workflowSummary is a workflow in a list.
type workflowSummary struct {
	ID          string `json:"id"`
	Name        string `json:"name,omitempty"`
	Description string `json:"description,omitempty"`
	DBID        string `json:"db_id"`
	IsFactory   bool   `json:"is_factory"`
	IsComponent bool   `json:"is_component"`
}

// workflowBody is a WorkflowResponse of AgentOS.
type workflowBody struct {
	ID            string     `json:"id"`
	Name          string     `json:"name,omitempty"`
	DBID          string     `json:"db_id"`
	Description   string     `json:"description,omitempty"`
	Steps         []stepBody `json:"steps"`
	WorkflowAgent bool       `json:"workflow_agent"`
	IsFactory     bool       `json:"is_factory"`
	IsComponent   bool       `json:"is_component"`
}

// stepBody is a step of a workflow. Agent and Team are what it runs; ElseSteps, our
// own, are the other steps of a condition.
type stepBody struct {
	Name      string     `json:"name"`
	Type      string     `json:"type"`
	Agent     any        `json:"agent,omitempty"`
	Team      any        `json:"team,omitempty"`
	Steps     []stepBody `json:"steps,omitempty"`
	ElseSteps []stepBody `json:"else_steps,omitempty"`
}

func (a *api) listWorkflows(w http.ResponseWriter, r *http.Request) error {
	a.writeJSON(w, r, http.StatusOK, a.workflowSummaries())
	return nil
}

func (a *api) workflowSummaries() []workflowSummary {
	list := []workflowSummary{}
	for _, w := range a.engine.Workflows() {
		list = append(list, workflowSummary{ID: w.ID, Name: w.Name, Description: w.Description, DBID: databaseID})
	}
	return list
}

func (a *api) newWorkflowBody(ctx context.Context, w *host.Workflow) workflowBody {
	return workflowBody{
		ID: w.ID, Name: w.Name, DBID: databaseID, Description: w.Description, Steps: a.newStepBodies(ctx, w.Steps),
	}
}

func (a *api) newStepBodies(ctx context.Context, steps []host.Step) []stepBody {
	bodies := make([]stepBody, len(steps))
	for i := range steps {
		s := &steps[i]
		bodies[i] = stepBody{
			Name: s.Name, Type: stepTypes[s.Kind],
			Steps: a.newStepBodies(ctx, s.Steps), ElseSteps: a.newStepBodies(ctx, s.Else),
		}
		switch s.Component.Kind {
		case host.KindAgent:
			bodies[i].Agent = a.newComponentBody(ctx, s.Component)
		case host.KindTeam:
			bodies[i].Team = a.newComponentBody(ctx, s.Component)
		}
	}
	return bodies
}

// stepTypes are the kinds of steps as AgentOS calls them.
var stepTypes = map[host.StepKind]string{
	host.StepComponent: "Step",
	host.StepFunction:  "Step",
	host.StepParallel:  "Parallel",
	host.StepLoop:      "Loop",
	host.StepCondition: "Condition",
	host.StepRouter:    "Router",
}
