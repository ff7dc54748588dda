package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// resumeForm is what a client has of a stream.
type resumeForm struct {
	// last is the index of the last event it has, -1 for none.
	last    int
	session string
}

// decodeResumeForm reads the fields of a resume; any other says nothing.
func decodeResumeForm(f form) (resumeForm, error) {
	d := formDecoder{fields: maps.Clone(f)}
	d.refuseFiles()
	return resumeForm{last: d.integer("last_event_index", -1, -1), session: d.id("session_id")}, d.err()
}

// resumeRun sends what a client has missed of a run's stream, and what is to
// come, on whichever node the run is.
func (a *api) resumeRun(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	fields, err := readForm(w, r)
	if err != nil {
		return err
	}
	asked, err := decodeResumeForm(fields)
	if err != nil {
		return err
	}
	run, err := a.run(r)
	if err != nil && host.CodeOf(err) != host.CodeNotFound {
		return err
	}
	if err != nil || run.Component.Scope() != component.Scope() || !inSession(&run, asked.session) {
		return refuseResume(w, "Run %s not found in buffer or database", cut(pathVar(r, "run_id")))
	}
	// Asked after the run: when it has ended all its events are counted.
	total, err := a.runs.NextEvent(r.Context(), run.ID)
	if err != nil {
		return err
	}
	return a.resume(w, r, resumption{run: &run, last: asked.last, total: total})
}

// refuseResume answers with a stream that only says why there is none.
func refuseResume(w http.ResponseWriter, format string, args ...any) error {
	_ = newStream(w).sendControl("error", member{"error", fmt.Sprintf(format, args...)}) // a client that left reads nothing
	return nil
}

// resumption is a stream that is taken up again.
type resumption struct {
	run *host.Run
	// last is the index of the last event the client has, -1 for none.
	last int
	// total is how many events were stored when the client asked.
	total int
}

func (m *resumption) missed() int { return m.total - m.last - 1 }

// resume answers with the rest of a stream, in the frames of AgentOS.
func (a *api) resume(w http.ResponseWriter, r *http.Request, m resumption) error {
	ended := m.run.Status.Final()
	rest := a.catchUp
	switch {
	case ended && m.total == 0:
		rest = a.sayNothingIsLeft
	case !ended && !m.run.Background:
		return refuseResume(w, "Run %s is not a background run: nothing of its stream is kept", cut(m.run.ID))
	case m.last >= m.total:
		return formError("last_event_index", "less_than",
			"Input should be less than %d, the number of the run's events", m.total)
	case ended:
		rest = a.replay
	}
	s := newStream(w)
	defer s.beat(a.heartbeat)()
	a.tell(r, s, rest(r, s, m))
	return nil
}

// catchUp sends what was missed of a run that goes on, and then what comes.
func (a *api) catchUp(r *http.Request, s *stream, m resumption) error {
	status := member{"status", strings.ToLower(string(m.run.Status))}
	count := member{"current_event_count", m.total}
	subscribe := func() error {
		if m.run.Component.Kind == host.KindWorkflow { // as AgentOS has it
			return nil
		}
		return s.sendControl("subscribed", member{"run_id", m.run.ID}, status, count,
			member{"message", fmt.Sprintf("Subscribed to %s run. Receiving live events.", m.run.Component.Kind)})
	}
	begin := subscribe
	if n := m.missed(); n > 0 {
		begin = func() error {
			return s.sendControl("catch_up", member{"run_id", m.run.ID}, status, member{"missed_events", n}, count,
				member{"message", fmt.Sprintf("Catching up on %d missed events.", n)})
		}
	}
	if err := begin(); err != nil {
		return err
	}
	return a.follow(r, m.run.ID, m.last+1, func(e host.Event) error {
		err := s.sendIndexed(&e)
		if err == nil && e.Index == m.total-1 {
			err = subscribe()
		}
		return err
	})
}

// replay sends what was missed of a run that has ended.
func (a *api) replay(r *http.Request, s *stream, m resumption) error {
	n, status := m.missed(), m.run.Status
	err := s.sendControl("replay", member{"run_id", m.run.ID}, member{"status", status},
		member{"total_events", n}, member{"total_buffered", m.total}, member{"last_event_index_requested", m.last},
		member{"message", fmt.Sprintf("Run %s. Replaying %d missed events (of %d total).", status, n, m.total)})
	if err != nil || n == 0 {
		return err
	}
	return a.engine.Follow(r.Context(), m.run.ID, m.last+1, func(e host.Event) error { return s.sendIndexed(&e) })
}

// sayNothingIsLeft answers for a run that had no stream to keep, or whose stream
// was deleted.
func (a *api) sayNothingIsLeft(_ *http.Request, s *stream, m resumption) error {
	return s.sendControl("replay", member{"run_id", m.run.ID}, member{"status", m.run.Status}, member{"total_events", 0},
		member{"message", "Run completed but no events stored."})
}
