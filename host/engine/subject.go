package engine

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// subject is a component as it is run.
type subject struct {
	component host.Component
	// agent is the agent, or the leader of a team; of a workflow it has what
	// workflows share with agents, and no model.
	agent    *host.Agent
	team     *host.Team
	workflow *host.Workflow
	// flow is the workflow with its expressions compiled.
	flow flow
}

// catalog is what can be run. It does not change.
type catalog struct {
	agents    []*host.Agent
	teams     []*host.Team
	workflows []*host.Workflow
	subjects  map[host.BindingScope]*subject
}

func newCatalog(cfg *Config) (*catalog, error) {
	c := &catalog{
		agents: cfg.Agents, teams: cfg.Teams, workflows: cfg.Workflows, subjects: map[host.BindingScope]*subject{},
	}
	for _, a := range cfg.Agents {
		if err := c.add(cfg, &subject{component: a.Component(), agent: a}); err != nil {
			return nil, err
		}
	}
	for _, t := range cfg.Teams {
		if err := c.add(cfg, &subject{component: t.Component(), agent: &t.Agent, team: t}); err != nil {
			return nil, err
		}
	}
	for _, w := range cfg.Workflows {
		if err := c.add(cfg, &subject{component: w.Component(), agent: sharedWithAgents(w), workflow: w}); err != nil {
			return nil, err
		}
	}
	return c, c.checkReferences()
}

// sharedWithAgents is what a workflow has of an agent.
func sharedWithAgents(w *host.Workflow) *host.Agent {
	return &host.Agent{
		ID: w.ID, Name: w.Name, RequireHooks: w.RequireHooks, StoreRefusedInput: w.StoreRefusedInput,
		OutputSchema: w.OutputSchema, ParallelSessions: w.ParallelSessions,
	}
}

// add checks a component by itself.
func (c *catalog) add(cfg *Config, s *subject) error {
	name := fmt.Sprintf("%s %s", s.component.Kind, s.component.ID)
	if c.subjects[s.component.Scope()] != nil {
		return fmt.Errorf("%s is listed twice", name)
	}
	c.subjects[s.component.Scope()] = s
	if s.workflow == nil && cfg.Models[s.agent.Model] == nil {
		return fmt.Errorf("%s: unknown model %q", name, s.agent.Model)
	}
	if (len(s.agent.Tools) > 0 || s.workflow != nil) && cfg.Tools == nil {
		return fmt.Errorf("%s: there is no toolbox", name)
	}
	if s.agent.OutputSchema != nil {
		if _, err := compileSchema(s.agent.OutputSchema); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if s.workflow == nil {
		return nil
	}
	var err error
	if s.flow, err = newFlow(s.workflow); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// checkReferences finds what a component refers to and does not exist, and teams
// inside themselves.
func (c *catalog) checkReferences() error {
	for _, t := range c.teams {
		if len(t.Members) == 0 {
			return fmt.Errorf("team %s has no members", t.ID)
		}
		if err := c.checkTeam(t, map[string]bool{}); err != nil {
			return err
		}
	}
	for _, w := range c.workflows {
		for _, ref := range componentsOf(w.Steps) {
			if s := c.subjects[ref]; s == nil || s.workflow != nil {
				return fmt.Errorf("workflow %s: a step runs %s %q, which does not exist", w.ID, ref.Kind, ref.ID)
			}
		}
	}
	return nil
}

// checkTeam follows the members of a team; above are the teams it is inside of.
func (c *catalog) checkTeam(t *host.Team, above map[string]bool) error {
	if above[t.ID] {
		return fmt.Errorf("team %s contains itself", t.ID)
	}
	above[t.ID] = true
	defer delete(above, t.ID)
	for _, ref := range t.Members {
		member := c.subjects[ref]
		if member == nil || member.workflow != nil {
			return fmt.Errorf("team %s: its member %s %q does not exist", t.ID, ref.Kind, ref.ID)
		}
		if member.team == nil {
			continue
		}
		if err := c.checkTeam(member.team, above); err != nil {
			return err
		}
	}
	return nil
}

// componentsOf are the components that steps run, those inside included.
func componentsOf(steps []host.Step) []host.BindingScope {
	var refs []host.BindingScope
	for _, s := range steps {
		if s.Kind == host.StepComponent {
			refs = append(refs, s.Component)
		}
		refs = append(refs, componentsOf(s.Steps)...)
		refs = append(refs, componentsOf(s.Else)...)
	}
	return refs
}

// Agents returns the agents in the order of the configuration.
func (e *Engine) Agents() []*host.Agent { return e.catalog.agents }

// Teams returns the teams in the order of the configuration.
func (e *Engine) Teams() []*host.Team { return e.catalog.teams }

// Workflows returns the workflows in the order of the configuration.
func (e *Engine) Workflows() []*host.Workflow { return e.catalog.workflows }

// Agent returns the agent of that id, or false.
func (e *Engine) Agent(id string) (*host.Agent, bool) {
	s := e.catalog.subjects[host.BindingScope{Kind: host.KindAgent, ID: id}]
	if s == nil {
		return nil, false
	}
	return s.agent, true
}

// Team returns the team of that id, or false.
func (e *Engine) Team(id string) (*host.Team, bool) {
	s := e.catalog.subjects[host.BindingScope{Kind: host.KindTeam, ID: id}]
	if s == nil {
		return nil, false
	}
	return s.team, true
}

// Workflow returns the workflow of that id, or false.
func (e *Engine) Workflow(id string) (*host.Workflow, bool) {
	s := e.catalog.subjects[host.BindingScope{Kind: host.KindWorkflow, ID: id}]
	if s == nil {
		return nil, false
	}
	return s.workflow, true
}

// lookup returns the component of a scope that can be run; CodeNotFound when there
// is none.
func (e *Engine) lookup(scope host.BindingScope) (*subject, error) {
	if s := e.catalog.subjects[scope]; s != nil {
		return s, nil
	}
	kind, known := map[host.ComponentKind]string{
		host.KindAgent: "Agent", host.KindTeam: "Team", host.KindWorkflow: "Workflow",
	}[scope.Kind]
	if !known {
		return nil, host.Errorf(host.CodeNotFound, "Component not found")
	}
	return nil, host.Errorf(host.CodeNotFound, "%s not found", kind)
}
