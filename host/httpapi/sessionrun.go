package httpapi

import (
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// listSessionRuns answers with the runs of a session that have ended, oldest
// first, and the background runs that have not. A session without one is not found:
// clients take an empty list for an empty conversation and show it instead of the
// run that goes on.
func (a *api) listSessionRuns(w http.ResponseWriter, r *http.Request) error {
	filter, err := runFilterOf(r)
	if err != nil {
		return err
	}
	session, err := a.sessionWithRuns(r)
	if err != nil {
		return err
	}
	filter.SessionID = session.ID
	return a.writeRuns(w, r, filter, addTree)
}

// addTree adds a run; one of a team after those of its members.
func addTree(items *array, run *host.Run) error {
	if run.Component.Kind == host.KindTeam {
		for i := range run.Children {
			if err := addTree(items, &run.Children[i]); err != nil {
				return err
			}
		}
	}
	return items.add(newRunSchema(run).withoutNulls())
}

func runFilterOf(r *http.Request) (host.RunFilter, error) {
	var filter host.RunFilter
	d := newQueryDecoder(r)
	if after := d.integer("created_after", math.MinInt64, math.MinInt64, math.MaxInt64); after != math.MinInt64 {
		filter.CreatedFrom = time.Unix(after, 0)
	}
	if before := d.integer("created_before", math.MaxInt64, math.MinInt64, math.MaxInt64); before != math.MaxInt64 {
		filter.CreatedUntil = time.Unix(before+1, 0) // the second itself matches
	}
	return filter, d.err()
}

// writeRuns answers with the runs that match, each as add renders it and the runs
// inside it.
func (a *api) writeRuns(
	w http.ResponseWriter, r *http.Request, filter host.RunFilter, add func(*array, *host.Run) error,
) error {
	runs, err := a.firstRuns(r.Context(), filter)
	if err != nil {
		return err
	}
	a.writeArray(w, r, http.StatusOK, "", "", func(items *array) error {
		return a.eachRun(r.Context(), runs, func(run *host.Run) error {
			whole, err := a.withChildren(r.Context(), *run)
			if err != nil {
				return err
			}
			return add(items, &whole)
		})
	})
	return nil
}

// sessionWithRuns returns the session the path names; CodeNotFound also when
// none of its runs is shown.
func (a *api) sessionWithRuns(r *http.Request) (host.Session, error) {
	id := cut(pathVar(r, "session_id"))
	session, found, err := a.lookUpSession(r)
	if err != nil {
		return session, err
	}
	if !found {
		return session, host.Errorf(host.CodeNotFound, "Session with ID %s not found", id)
	}
	_, ok, err := a.firstRun(r.Context(), session.ID)
	if err == nil && !ok {
		err = host.Errorf(host.CodeNotFound, "Session with ID %s has no runs", id)
	}
	return session, err
}

// showSessionRun answers with one run of a session: a background run, or one that
// has ended.
func (a *api) showSessionRun(w http.ResponseWriter, r *http.Request) error {
	session, err := a.sessionWithRuns(r)
	if err != nil {
		return err
	}
	id := pathVar(r, "run_id")
	run, err := a.runs.Run(r.Context(), id)
	if err != nil && host.CodeOf(err) != host.CodeNotFound {
		return err
	}
	shown := err == nil && run.SessionID == session.ID && (run.Background || run.Status.Final())
	if shown {
		if shown, err = a.isShown(r.Context(), run); err != nil {
			return err
		}
	}
	if !shown {
		return host.Errorf(host.CodeNotFound, "Run with ID %s not found in session %s", cut(id), cut(session.ID))
	}
	if run, err = a.withChildren(r.Context(), run); err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newRunSchema(&run))
	return nil
}

// listRuns answers with the component's runs of one of its sessions, their nulls
// kept. Runs inside others are not among them.
func (a *api) listRuns(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	d := newQueryDecoder(r)
	id, status := d.required("session_id"), host.RunStatus(d.text("status"))
	if err := d.err(); err != nil {
		return err
	}
	session, err := a.sessions.Session(r.Context(), id)
	if err != nil && host.CodeOf(err) != host.CodeNotFound {
		return err
	}
	shown := false
	if err == nil && session.Component.Scope() == component.Scope() {
		if _, shown, err = a.firstRun(r.Context(), id); err != nil {
			return err
		}
	}
	if !shown {
		return host.Errorf(host.CodeNotFound, "Session not found")
	}
	filter := host.RunFilter{SessionID: id, Component: component.Scope(), Status: status}
	return a.writeRuns(w, r, filter, func(items *array, run *host.Run) error { return items.add(newRunSchema(run)) })
}

// inputText is a run's input as text, "" for a run that never had one.
func inputText(input json.RawMessage) string {
	if input == nil {
		return ""
	}
	return host.Text(input)
}

// formatOf names the format of a content as AgentOS does for runs of a session.
func formatOf(content json.RawMessage) string {
	if typeOf(content) == "dict" {
		return "json"
	}
	return "text"
}
