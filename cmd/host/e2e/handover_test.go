package e2e

import "testing"

// TestStopLetsRunsEnd: a host that is told to stop waits for its background runs.
func TestStopLetsRunsEnd(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := newGates(t)
		s := newSite(t, config{store: store, model: openai(model.BaseURL()), more: "background: {drain: 1m}\n"})
		p := s.start(t)
		r := p.launch(t, "agent", form{"message": "wait for it", "session_id": "s"})
		next := p.launch(t, "agent", form{"message": "next", "session_id": "s"})
		model.await(t, "wait for it", 1)
		p.terminate(t)
		eventually(t, "the host takes no more requests", func() bool { return !takesRequests(p) })
		model.open("wait for it")
		p.wait(t)

		p = s.start(t)
		p.read(t, r).must(t, "to wait for it")
		p.ended(t, next).must(t, "to next")
		if n := model.asked("wait for it"); n != 1 {
			t.Errorf("the model was asked %d times", n)
		}
	})
}

// TestStopHandsRunsBack: a run that takes longer than a stopping host waits is
// carried on by the next process, where it was.
func TestStopHandsRunsBack(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model, service := newGates(t), newReceiver(t, nil)
		s := newSite(t, config{store: store, model: openai(model.BaseURL()), more: "background: {drain: 50ms}\n"})
		p := s.start(t)
		p.installWith(t, watch(t, service), "http")
		p.bind(t, "agent", binding{"plugin": "watch"})
		r := p.launch(t, "agent", form{"message": "wait for it"})
		model.await(t, "wait for it", 1)
		p.stop(t)

		p = s.start(t)
		model.await(t, "wait for it", 2)
		model.open("wait for it")
		p.ended(t, r).must(t, "to wait for it")
		p.settled(t, r.RunID)
		mustBeTold(t, service, r)
		if runs := s.database(t).runs(t); len(runs) != 1 || runs[0].losses != 0 {
			t.Errorf("the runs are %+v: handing back loses no worker", runs)
		}
	})
}

// mustBeTold checks that the service has heard of a run once before the model
// and once after it.
func mustBeTold(t *testing.T, service *receiver, r run) {
	t.Helper()
	paths := map[string]int{}
	for _, req := range service.requests() {
		if readContext(t, req.body).Extensions.Snaphook.Run.ID == r.RunID {
			paths[req.path]++
		}
	}
	if paths["/before"] != 1 || paths["/after"] != 1 {
		t.Errorf("the service was told of run %s at %v, want each once", r.RunID, paths)
	}
}
