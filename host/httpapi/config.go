package httpapi

import (
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// modelBody names a model.
type modelBody struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
}

// agentSummary is an agent or a team as the configuration of AgentOS lists it. Unlike
// the detail it has model.id. Only a team has a mode.
type agentSummary struct {
	ID          string        `json:"id"`
	Name        string        `json:"name,omitempty"`
	Description string        `json:"description,omitempty"`
	DBID        string        `json:"db_id"`
	Mode        host.TeamMode `json:"mode,omitempty"`
	Model       modelBody     `json:"model"`
}

// showConfig answers with what the host has, in the shape of AgentOS.
// offline_models is our own: models that answer without a provider.
func (a *api) showConfig(w http.ResponseWriter, r *http.Request) error {
	models := []string{}
	for _, m := range a.models() {
		models = append(models, m.ID)
	}
	agents := []agentSummary{}
	for _, agent := range a.engine.Agents() {
		agents = append(agents, a.newSummary(agent, ""))
	}
	teams := []agentSummary{}
	for _, team := range a.engine.Teams() {
		teams = append(teams, a.newSummary(&team.Agent, modeOf(team)))
	}
	a.writeJSON(w, r, http.StatusOK, object{
		{"os_id", hostID},
		{"name", hostName},
		{"available_models", models},
		{"os_database", databaseID},
		{"databases", []string{databaseID}},
		{"session", domain(sessionTable)},
		{"evals", domain(evaluationTable)},
		{"agents", agents},
		{"teams", teams},
		{"workflows", a.workflowSummaries()},
		{"interfaces", nothing()},
		{"offline_models", listOrNull(a.offline)},
	}.withoutNulls())
	return nil
}

// newSummary summarizes an agent, or a team by its leader.
func (a *api) newSummary(agent *host.Agent, mode host.TeamMode) agentSummary {
	return agentSummary{
		ID: agent.ID, Name: agent.Name, Description: agent.Description, DBID: databaseID, Mode: mode,
		Model: a.modelOf(agent),
	}
}

// domain says where something is kept.
func domain(table string) object {
	return object{{"dbs", []object{{
		{"db_id", databaseID},
		{"domain_config", object{{"display_name", databaseID}}},
		{"tables", []string{table}},
	}}}}
}

func (a *api) listModels(w http.ResponseWriter, r *http.Request) error {
	a.writeJSON(w, r, http.StatusOK, a.models())
	return nil
}

// models returns the models of all agents and teams, each once.
func (a *api) models() []modelBody {
	models, seen := []modelBody{}, map[modelBody]bool{}
	add := func(agent *host.Agent) {
		if m := a.modelOf(agent); !seen[m] {
			seen[m], models = true, append(models, m)
		}
	}
	for _, agent := range a.engine.Agents() {
		add(agent)
	}
	for _, team := range a.engine.Teams() {
		add(&team.Agent)
	}
	return models
}

func (a *api) modelOf(agent *host.Agent) modelBody {
	info := a.engine.ModelInfo(agent.Model)
	return modelBody{ID: info.ID, Provider: info.Provider}
}
