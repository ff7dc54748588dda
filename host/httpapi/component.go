package httpapi

import (
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// A host has no teams and workflows yet: their lists are empty, and clients
// that ask for one learn that it does not exist.

func (a *api) emptyList(w http.ResponseWriter, r *http.Request) error {
	a.writeJSON(w, r, http.StatusOK, []struct{}{})
	return nil
}

func noTeam(http.ResponseWriter, *http.Request) error {
	return host.Errorf(host.CodeNotFound, "Team not found")
}

func noWorkflow(http.ResponseWriter, *http.Request) error {
	return host.Errorf(host.CodeNotFound, "Workflow not found")
}
