package httpapi

import "net/http"

// modelBody names a model.
type modelBody struct {
	ID       string `json:"id"`
	Provider string `json:"provider"`
}

// agentSummary is an agent as the configuration of AgentOS lists it. Unlike the
// detail it has model.id.
type agentSummary struct {
	ID          string    `json:"id"`
	Name        string    `json:"name,omitempty"`
	Description string    `json:"description,omitempty"`
	DBID        string    `json:"db_id"`
	Model       modelBody `json:"model"`
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
		info := a.engine.ModelInfo(agent.Model)
		agents = append(agents, agentSummary{
			ID: agent.ID, Name: agent.Name, Description: agent.Description, DBID: databaseID,
			Model: modelBody{ID: info.ID, Provider: info.Provider},
		})
	}
	a.writeJSON(w, r, http.StatusOK, object{
		{"os_id", hostID},
		{"name", hostName},
		{"available_models", models},
		{"os_database", databaseID},
		{"databases", []string{databaseID}},
		{"session", sessionDomain()},
		{"agents", agents},
		{"teams", nothing()},
		{"workflows", nothing()},
		{"interfaces", nothing()},
		{"offline_models", listOrNull(a.offline)},
	}.withoutNulls())
	return nil
}

// sessionDomain says where sessions are kept.
func sessionDomain() object {
	return object{{"dbs", []object{{
		{"db_id", databaseID},
		{"domain_config", object{{"display_name", databaseID}}},
		{"tables", []string{sessionTable}},
	}}}}
}

func (a *api) listModels(w http.ResponseWriter, r *http.Request) error {
	a.writeJSON(w, r, http.StatusOK, a.models())
	return nil
}

// models returns the models of all agents, each once.
func (a *api) models() []modelBody {
	models, seen := []modelBody{}, map[modelBody]bool{}
	for _, agent := range a.engine.Agents() {
		info := a.engine.ModelInfo(agent.Model)
		m := modelBody{ID: info.ID, Provider: info.Provider}
		if !seen[m] {
			seen[m], models = true, append(models, m)
		}
	}
	return models
}
