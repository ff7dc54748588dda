package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// createRun runs a component, now or in the background, and answers with the run,
// with its stream, or with where it is found.
func (a *api) createRun(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	fields, err := readForm(w, r)
	if err != nil {
		return err
	}
	asked, err := decodeRunForm(fields)
	if err != nil {
		return withFormHint(err, r)
	}
	asked.request.Component, asked.request.IdempotencyKey = component, key
	answer := a.finishRun
	switch {
	case asked.background && asked.stream:
		answer = a.streamBackground
	case asked.background:
		answer = a.startRun
	case asked.stream:
		answer = a.streamRun
	}
	return asFieldErrors(answer(w, r, asked))
}

// finishRun runs a component and answers with the run when it has ended.
func (a *api) finishRun(w http.ResponseWriter, r *http.Request, asked runForm) error {
	run, err := a.engine.Run(r.Context(), asked.request)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newRunBody(&run, nil))
	return nil
}

// withFormHint tells a client that sent no form what to send.
func withFormHint(err error, r *http.Request) error {
	var wrong *fieldErrors
	name, _ := mediaType(r)
	if errors.As(err, &wrong) && name != urlEncoded && name != multiPart {
		wrong.hint = "Send a form: " + urlEncoded + " or " + multiPart
	}
	return err
}

// showRun answers with a run of the component and the session that are named.
func (a *api) showRun(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	if !query.Has("session_id") {
		return &fieldErrors{list: []fieldError{missingField("query", "session_id")}}
	}
	run, err := a.run(r)
	if err != nil {
		return err
	}
	if run.Component.Scope() != component.Scope() || run.SessionID != query.Get("session_id") {
		return errRunNotFound
	}
	switch shown, err := a.isShown(r.Context(), run); {
	case err != nil:
		return err
	case !shown:
		return errRunNotFound
	}
	if run, err = a.withChildren(r.Context(), run); err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newRunBody(&run, &[]struct{}{}))
	return nil
}

// withChildren returns a run that has ended with those inside it.
func (a *api) withChildren(ctx context.Context, run host.Run) (host.Run, error) {
	if !run.Status.Final() {
		return run, nil
	}
	return a.engine.WithChildren(ctx, run)
}

// isShown reports whether a run is shown by itself. What a run inside others has
// answered waits for the hooks of all of them, and goes with what they refused.
func (a *api) isShown(ctx context.Context, run host.Run) (bool, error) {
	for !run.TopLevel() {
		around, err := a.runs.Run(ctx, run.ParentID)
		switch {
		case host.CodeOf(err) == host.CodeNotFound: // it goes on
			return false, nil
		case err != nil:
			return false, err
		case !around.Status.Final(), around.Hides():
			return false, nil
		}
		run = around
	}
	return true, nil
}

var errRunNotFound = host.Errorf(host.CodeNotFound, "Run not found")

// run returns the run the path names.
func (a *api) run(r *http.Request) (host.Run, error) {
	run, err := a.runs.Run(r.Context(), pathVar(r, "run_id"))
	if host.CodeOf(err) == host.CodeNotFound {
		return host.Run{}, errRunNotFound
	}
	return run, err
}
