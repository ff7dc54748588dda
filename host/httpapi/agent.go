package httpapi

import (
	"context"
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
	Tools       *toolsBody     `json:"tools,omitempty"`
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
	ctx, cancel := context.WithTimeout(r.Context(), toolsTimeout)
	defer cancel()
	list := []agentBody{}
	for _, agent := range a.engine.Agents() {
		list = append(list, a.newAgentBody(ctx, agent))
	}
	a.writeJSON(w, r, http.StatusOK, list)
	return nil
}

func (a *api) newAgentBody(ctx context.Context, agent *host.Agent) agentBody {
	return agentBody{
		ID: agent.ID, Name: agent.Name, DBID: databaseID, Description: agent.Description, Role: agent.Role,
		Model: a.newAgentModel(agent), Tools: a.newToolsBody(ctx, agent, agent.Component().Scope()),
		Sessions: newSessionsBody(agent),
	}
}

// newAgentModel names the model of an agent, or of a team's leader.
func (a *api) newAgentModel(agent *host.Agent) agentModelBody {
	info := a.engine.ModelInfo(agent.Model)
	return agentModelBody{Name: info.Name, Model: info.ID, Provider: info.Provider}
}

func newSessionsBody(agent *host.Agent) sessionsBody {
	return sessionsBody{
		SessionTable: sessionTable, AddHistoryToContext: agent.HistoryRuns > 0 && !agent.HistoryOnRequest,
		NumHistoryRuns: agent.HistoryRuns,
	}
}
