package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// remove deletes a version; query is "" or "?force=true".
func (c *client) remove(t testing.TB, p plugin, query string) reply {
	t.Helper()
	return c.do(t, "DELETE", "/plugins/"+p.name+"/"+p.version+query, "", nil)
}

// TestPluginDeletedWhileCalled: the call finishes, and so does its run. Later
// runs are refused, for a check that is gone is no check that passed, until the
// plugin is back.
func TestPluginDeletedWhileCalled(t *testing.T) {
	t.Parallel()
	service := newReceiver(t, nil)
	p := newSite(t, config{agents: []string{"agent", "later", "calm"}}).start(t)
	asks := newPlugin(t, "asks", permitHTTP(service.url()), hook{
		name: "ask", point: "input", fields: []string{"timeout: 5s"}, does: guesttest.Posts(service.url()),
	})
	p.installWith(t, asks, "http")
	p.bind(t, "agent", binding{"plugin": "asks"})
	p.bind(t, "later", binding{"plugin": "asks", "mode": "background"})
	release := service.block(t)

	answer := p.begin(t, "agent", form{"message": "hello", "session_id": "s"})
	service.await(t, 1)
	p.remove(t, asks, "").want(t, 409).says(t, `agents[\"agent\"].hooks[0]`, `agents[\"later\"].hooks[0]`)
	p.remove(t, asks, "?force=true").want(t, 204)
	p.get(t, "/plugins/asks").want(t, 404)
	p.get(t, "/agents/agent/hooks").want(t, 200).says(t, `"plugin":"asks"`)
	release()
	done := answered(t, answer).must(t, "hello")
	if call := p.settled(t, done.RunID)[0]; call.Outcome != "allowed" {
		t.Errorf("%s with %+v", call.summary(), call.Error)
	}

	refused := p.run(t, "agent", form{"message": "hello", "session_id": "s"})
	got := []string{refused.Status, refused.ErrorType, refused.ErrorID}
	if diff := cmp.Diff([]string{"ERROR", "input_check_error", "host_error:interceptor_failed"}, got); diff != "" {
		t.Errorf("a run whose check is gone (-want +got):\n%s", diff)
	}
	passed := p.run(t, "later", form{"message": "hello"}).must(t, "hello")
	want := []string{"asks. background skipped plugin_inactive"}
	if diff := cmp.Diff(want, summaries(p.hooks(t, passed.RunID))); diff != "" {
		t.Errorf("hook calls (-want +got):\n%s", diff)
	}
	p.run(t, "calm", form{"message": "hello"}).must(t, "hello")
	p.installWith(t, asks, "http")
	p.run(t, "agent", form{"message": "hello", "session_id": "s"}).must(t, "hello")
}

// TestPluginWithOpenCallsStays: a version whose background call is not over is
// not deleted, forced or not; afterwards it is.
func TestPluginWithOpenCallsStays(t *testing.T) {
	t.Parallel()
	service := newReceiver(t, nil)
	p := newSite(t, config{}).start(t)
	tells := newPlugin(t, "tells", permitHTTP(service.url()), visit("tell", service.url()))
	p.installWith(t, tells, "http")
	p.bind(t, "agent", binding{"plugin": "tells"})
	release := service.block(t)

	done := p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
	service.await(t, 1)
	p.remove(t, tells, "?force=true").want(t, 409).says(t, "hook calls of the plugin are not final")
	release()
	if call := p.settled(t, done.RunID)[0]; call.Status != "completed" {
		t.Errorf("%s with %+v", call.summary(), call.Error)
	}
	p.remove(t, tells, "?force=true").want(t, 204)
	if call := p.hooks(t, done.RunID)[0]; call.Status != "completed" {
		t.Errorf("after the plugin is gone %s", call.summary())
	}
}

// TestPluginDeletedBeforeItsBackgroundHook: a run that was promised a background
// call of a plugin that is deleted meanwhile says what became of it.
func TestPluginDeletedBeforeItsBackgroundHook(t *testing.T) {
	t.Parallel()
	service := newReceiver(t, nil)
	p := newSite(t, config{}).start(t)
	holds := newPlugin(t, "holds", permitHTTP(service.url()), hook{
		name: "hold", point: "input", fields: []string{"timeout: 5s"}, does: guesttest.Posts(service.url()),
	})
	after := newPlugin(t, "after", "", hook{
		name: "hook", point: "output", fields: []string{"mode: background", "retry: {max_attempts: 2, initial: 10ms, max: 10ms}"},
		does: guesttest.Answers(allow),
	})
	p.installWith(t, holds, "http")
	p.install(t, after)
	p.bind(t, "agent", binding{"plugin": "holds"}, binding{"plugin": "after"})
	release := service.block(t)

	answer := p.begin(t, "agent", form{"message": "hello"})
	service.await(t, 1)
	p.remove(t, after, "?force=true").want(t, 204)
	release()
	done := answered(t, answer).must(t, "hello")
	call := find(t, p.settled(t, done.RunID), "after.hook")
	if call.Status != "dead" || call.Error == nil || call.Error.Code != "unavailable" {
		t.Errorf("%s with %+v, want it dead: the plugin is gone", call.summary(), call.Error)
	}
}
