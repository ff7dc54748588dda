package httpapi

import (
	"context"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// teamBody is a TeamResponse of AgentOS, with what is not its default.
type teamBody struct {
	ID          string         `json:"id"`
	Name        string         `json:"name,omitempty"`
	DBID        string         `json:"db_id"`
	Description string         `json:"description,omitempty"`
	Role        string         `json:"role,omitempty"`
	Mode        host.TeamMode  `json:"mode"`
	Model       agentModelBody `json:"model"`
	Tools       *toolsBody     `json:"tools,omitempty"`
	Sessions    sessionsBody   `json:"sessions"`
	Streaming   streamingBody  `json:"streaming"`
	// Members are agentBody and teamBody.
	Members     []any `json:"members"`
	IsFactory   bool  `json:"is_factory"`
	IsComponent bool  `json:"is_component"`
}

// streamingBody says what a team's stream holds.
type streamingBody struct {
	StreamMemberEvents bool `json:"stream_member_events"`
}

func (a *api) listTeams(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), toolsTimeout)
	defer cancel()
	list := []teamBody{}
	for _, team := range a.engine.Teams() {
		list = append(list, a.newTeamBody(ctx, team))
	}
	a.writeJSON(w, r, http.StatusOK, list)
	return nil
}

func (a *api) newTeamBody(ctx context.Context, team *host.Team) teamBody {
	body := teamBody{
		ID: team.ID, Name: team.Name, DBID: databaseID, Description: team.Description, Role: team.Role,
		Mode: modeOf(team), Model: a.newAgentModel(&team.Agent),
		Tools:    a.newToolsBody(ctx, &team.Agent, team.Component().Scope()),
		Sessions: newSessionsBody(&team.Agent), Streaming: streamingBody{StreamMemberEvents: true},
	}
	for _, member := range team.Members {
		body.Members = append(body.Members, a.newComponentBody(ctx, member))
	}
	return body
}

// modeOf is the mode of a team, also of one that names none.
func modeOf(team *host.Team) host.TeamMode {
	if team.Mode == "" {
		return host.TeamCoordinate
	}
	return team.Mode
}
