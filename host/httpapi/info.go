package httpapi

import "net/http"

const (
	// hostID names the host to clients, compatibleWith the AgentOS whose API it
	// speaks.
	hostID         = "snaphook"
	hostName       = "Snaphook"
	compatibleWith = "2.9.0"
	// microseconds is the time format of AgentOS where it shows fractions.
	microseconds = "2006-01-02T15:04:05.000000Z"
)

func (a *api) root(w http.ResponseWriter, r *http.Request) error {
	a.writeJSON(w, r, http.StatusOK, struct {
		Name    string `json:"name"`
		ID      string `json:"id"`
		Version string `json:"version"`
	}{hostName, hostID, a.version})
	return nil
}

func (a *api) health(w http.ResponseWriter, r *http.Request) error {
	a.writeJSON(w, r, http.StatusOK, struct {
		Status         string `json:"status"`
		InstantiatedAt string `json:"instantiated_at"`
	}{"ok", a.startedAt.UTC().Format(microseconds)})
	return nil
}

// infoBody keeps its nulls, as in AgentOS.
type infoBody struct {
	OSID          string  `json:"os_id"`
	Name          string  `json:"name"`
	AgnoVersion   string  `json:"agno_version"`
	AgentCount    int     `json:"agent_count"`
	TeamCount     int     `json:"team_count"`
	WorkflowCount int     `json:"workflow_count"`
	MCP           mcpBody `json:"mcp"`
	AuthMode      string  `json:"auth_mode"`
}

type mcpBody struct {
	Enabled bool    `json:"enabled"`
	Path    *string `json:"path"`
	OAuth   *string `json:"oauth"`
}

func (a *api) info(w http.ResponseWriter, r *http.Request) error {
	a.writeJSON(w, r, http.StatusOK, infoBody{
		OSID: hostID, Name: hostName, AgnoVersion: compatibleWith,
		AgentCount: len(a.engine.Agents()), TeamCount: len(a.engine.Teams()), WorkflowCount: len(a.engine.Workflows()),
		AuthMode: a.authMode,
	})
	return nil
}
