package httpapi

import (
	"context"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// componentPath begins the routes that components of every kind have.
const componentPath = "/{collection:agents|teams|workflows}/{id}"

// collections are the kinds of components by the beginnings of their paths.
var collections = map[string]host.ComponentKind{
	"agents": host.KindAgent, "teams": host.KindTeam, "workflows": host.KindWorkflow,
}

// component returns the component the path names.
func (a *api) component(r *http.Request) (host.Component, error) {
	scope := host.BindingScope{Kind: collections[pathVar(r, "collection")], ID: pathVar(r, "id")}
	component, ok := a.lookUp(scope)
	if !ok {
		return component, host.Errorf(host.CodeNotFound, "%s not found", title(scope.Kind))
	}
	return component, nil
}

// lookUp returns the component of a scope, or false.
func (a *api) lookUp(scope host.BindingScope) (host.Component, bool) {
	switch scope.Kind {
	case host.KindAgent:
		if agent, ok := a.engine.Agent(scope.ID); ok {
			return agent.Component(), true
		}
	case host.KindTeam:
		if team, ok := a.engine.Team(scope.ID); ok {
			return team.Component(), true
		}
	case host.KindWorkflow:
		if workflow, ok := a.engine.Workflow(scope.ID); ok {
			return workflow.Component(), true
		}
	}
	return host.Component{}, false
}

func (a *api) showComponent(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), toolsTimeout)
	defer cancel()
	a.writeJSON(w, r, http.StatusOK, a.newComponentBody(ctx, component.Scope()))
	return nil
}

// newComponentBody details a component that exists.
func (a *api) newComponentBody(ctx context.Context, scope host.BindingScope) any {
	switch scope.Kind {
	case host.KindTeam:
		team, _ := a.engine.Team(scope.ID)
		return a.newTeamBody(ctx, team)
	case host.KindWorkflow:
		workflow, _ := a.engine.Workflow(scope.ID)
		return a.newWorkflowBody(ctx, workflow)
	}
	agent, _ := a.engine.Agent(scope.ID)
	return a.newAgentBody(ctx, agent)
}
