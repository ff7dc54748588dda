package httpapi

import (
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// databaseID is the db_id of every component: clients take it from the first
// component they see and load no sessions without one.
const databaseID = "snaphook"

// agentBody is an AgentResponse of AgentOS, with what is not its default.
type agentBody struct {
	ID          string         `json:"id"`
	Name        string         `json:"name,omitempty"`
	DBID        string         `json:"db_id"`
	Description string         `json:"description,omitempty"`
	Role        string         `json:"role,omitempty"`
	IsFactory   bool           `json:"is_factory"`
	Model       agentModelBody `json:"model"`
	Sessions    sessionsBody   `json:"sessions"`
	IsComponent bool           `json:"is_component"`
}

type agentModelBody struct {
	Name     string `json:"name,omitempty"`
	Model    string `json:"model"`
	Provider string `json:"provider,omitempty"`
}

// sessionsBody says how much of its sessions the agent's model sees.
type sessionsBody struct {
	SessionTable        string `json:"session_table"`
	AddHistoryToContext bool   `json:"add_history_to_context,omitempty"`
	NumHistoryRuns      int    `json:"num_history_runs,omitempty"`
}

func (a *api) listAgents(w http.ResponseWriter, r *http.Request) error {
	list := []agentBody{}
	for _, agent := range a.engine.Agents() {
		list = append(list, a.newAgentBody(agent))
	}
	a.writeJSON(w, r, http.StatusOK, list)
	return nil
}

func (a *api) showAgent(w http.ResponseWriter, r *http.Request) error {
	agent, err := a.agent(r)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, a.newAgentBody(agent))
	return nil
}

// agent returns the agent the path names.
func (a *api) agent(r *http.Request) (*host.Agent, error) {
	agent, ok := a.engine.Agent(pathVar(r, "id"))
	if !ok {
		return nil, host.Errorf(host.CodeNotFound, "Agent not found")
	}
	return agent, nil
}

func (a *api) newAgentBody(agent *host.Agent) agentBody {
	info := a.engine.ModelInfo(agent.Model)
	return agentBody{
		ID: agent.ID, Name: agent.Name, DBID: databaseID, Description: agent.Description, Role: agent.Role,
		Model: agentModelBody{Name: info.Name, Model: info.ID, Provider: info.Provider},
		Sessions: sessionsBody{
			SessionTable: sessionTable, AddHistoryToContext: agent.HistoryRuns > 0 && !agent.HistoryOnRequest, NumHistoryRuns: agent.HistoryRuns,
		},
	}
}
