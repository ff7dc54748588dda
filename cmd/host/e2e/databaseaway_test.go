package e2e

import (
	"testing"

	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// TestDatabaseGoesAway: a host without its database says so and takes nothing it
// could not keep. What it had begun ends when the database is back.
func TestDatabaseGoesAway(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Config{NoSync: true})
	model, service := newGates(t), newReceiver(t, nil)
	s := newSite(t, config{store: server.Database(t), model: openai(model.BaseURL())})
	p := s.start(t)
	p.installWith(t, watch(t, service), "http")
	p.bind(t, "agent", binding{"plugin": "watch"})
	going := p.launch(t, "agent", form{"message": "wait going"})
	ending := p.launch(t, "agent", form{"message": "wait ending"})
	plain := p.begin(t, "agent", form{"message": "wait plain", "run_id": "plain", "session_id": "plain"})
	for _, message := range []string{"wait going", "wait ending", "wait plain"} {
		model.await(t, message, 1)
	}

	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.submit(t, "agent", form{"message": "lost"}).want(t, 503)
	p.ask(t, "agent", form{"message": "lost", "run_id": "lost"}).want(t, 503)
	p.get(t, going.path()).want(t, 503).says(t, "The store cannot be reached at the moment")
	p.get(t, "/-/ready").want(t, 503)
	p.get(t, "/health").want(t, 200)
	model.open("wait ending")
	model.open("wait plain")
	receive(t, "the answer of the plain run", plain).want(t, 503)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	eventually(t, "the host is ready", func() bool { return p.get(t, "/-/ready").status == 200 })
	p.ended(t, ending).must(t, "to wait ending")
	model.open("wait going")
	p.ended(t, going).must(t, "to wait going")
	if got := p.ended(t, run{AgentID: "agent", RunID: "plain", SessionID: "plain"}); got.Status != "ERROR" || got.ErrorType != "storage_error" {
		t.Errorf("a run that was answered with 503 is %s with %s", got.Status, got.ErrorType)
	}
	p.get(t, run{AgentID: "agent", RunID: "lost"}.path()).want(t, 404)
	for _, r := range []run{going, ending} {
		p.settled(t, r.RunID)
		mustBeTold(t, service, r)
	}
	if n := model.asked("lost"); n != 0 {
		t.Errorf("the model was asked %d times for runs that were refused", n)
	}
}
