package e2e

import (
	"net/http"
	"strconv"
	"testing"
)

// submit sends a request for a background run without a stream, and what else
// belongs into its header.
func (c *client) submit(t testing.TB, component string, f form, header ...string) reply {
	t.Helper()
	contentType, body := f.with("stream", "false").with("background", "true").urlencoded()
	r, err := c.send(t.Context(), http.MethodPost, home(component)+"/runs", contentType, body, header...)
	if err != nil {
		t.Fatalf("submit a run of %s: %v", component, err)
	}
	return r
}

// launch starts a background run and returns it as it was accepted.
func (c *client) launch(t testing.TB, component string, f form) run {
	t.Helper()
	accepted := runOf(component)
	c.submit(t, component, f).want(t, 202).into(t, &accepted)
	if accepted.RunID == "" || accepted.SessionID == "" || accepted.Status != "PENDING" {
		t.Fatalf("a run was accepted as %+v", accepted)
	}
	return accepted
}

// ended waits until a run is over.
func (c *client) ended(t testing.TB, r run) run {
	t.Helper()
	var out run
	eventually(t, "run "+r.RunID+" is over", func() bool {
		out = c.read(t, r)
		return out.over()
	})
	return out
}

// over reports whether the run has ended.
func (r run) over() bool { return r.Status != "PENDING" && r.Status != "RUNNING" }

// cancel asks for the end of a run, which is always answered in the same way.
func (c *client) cancel(t testing.TB, r run) {
	t.Helper()
	got := c.do(t, http.MethodPost, r.at("cancel"), "", nil).want(t, 200)
	if string(got.body) != "{}" {
		t.Errorf("a cancel was answered %s", got.body)
	}
}

// at is where a run is acted on.
func (r run) at(act string) string { return home(r.component()) + "/runs/" + r.RunID + "/" + act }

// fromStart asks for all events of a run.
const fromStart = -1

// resume follows a run from the event after last on. The stream ends with the
// test.
func (c *client) resume(t testing.TB, r run, last int) *stream {
	t.Helper()
	f := form{"session_id": r.SessionID}
	if last != fromStart {
		f["last_event_index"] = strconv.Itoa(last)
	}
	s, err := c.openEvents(t.Context(), r.at("resume"), f)
	if err != nil {
		t.Fatalf("resume run %s: %v", r.RunID, err)
	}
	t.Cleanup(func() { s.body.Close() })
	return s
}

// follow starts a background run whose events are streamed.
func (c *client) follow(t testing.TB, component string, f form) *stream {
	t.Helper()
	return c.mustStream(t, component, f.with("background", "true"))
}

// split takes the frames about a resumed stream from the run's own events.
func split(events []event) (frames, own []event) {
	for _, e := range events {
		switch e.Name {
		case "catch_up", "replay", "subscribed", "error":
			frames = append(frames, e)
		default:
			own = append(own, e)
		}
	}
	return frames, own
}

// mustCount checks that the events are the whole of a stream from an index on:
// nothing is missing, and nothing is there twice.
func mustCount(t testing.TB, events []event, from int) {
	t.Helper()
	for i, e := range events {
		if e.Index == nil || *e.Index != from+i {
			t.Fatalf("event %d of %v is %s, want the index %d", i, names(events), e.raw, from+i)
		}
	}
}

// lastIndex is the index a client goes on from.
func lastIndex(t testing.TB, events []event) int {
	t.Helper()
	if len(events) == 0 || events[len(events)-1].Index == nil {
		t.Fatalf("the stream has no index: %v", names(events))
	}
	return *events[len(events)-1].Index
}
