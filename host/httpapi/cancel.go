package httpapi

import (
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// cancelRun asks for the end of a run of the component and, when one is named, of the
// session. The answer is the same for every run, known or not; a cancel that
// comes before its run is kept for it.
func (a *api) cancelRun(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	meant, err := a.mayBeMeant(r, component.Scope())
	if err != nil {
		return err
	}
	if meant {
		if err := a.engine.Cancel(r.Context(), pathVar(r, "run_id")); err != nil {
			return err
		}
	}
	a.writeJSON(w, r, http.StatusOK, struct{}{})
	return nil
}

// mayBeMeant reports whether the run the path names is of the component and of
// the session of the query, or is none yet and may become so.
func (a *api) mayBeMeant(r *http.Request, scope host.BindingScope) (bool, error) {
	id := pathVar(r, "run_id")
	run, err := a.runs.Run(r.Context(), id)
	if host.CodeOf(err) == host.CodeNotFound {
		kind, _ := checkID(id) // no run will have an id that is not one
		return kind == "", nil
	}
	return run.Component.Scope() == scope && inSession(&run, r.URL.Query().Get("session_id")), err
}

// inSession reports whether a run is of the session, or none is named.
func inSession(run *host.Run, session string) bool { return session == "" || run.SessionID == session }
