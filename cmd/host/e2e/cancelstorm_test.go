package e2e

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// defaultCancelled is how many runs TestCancelStorm cancels;
// SNAPHOOK_CANCELLED_RUNS overrides it.
const defaultCancelled = 60

// storm is many runs on three nodes: most ask the model, some are in a hook, and
// the rest waits for a worker.
type storm struct {
	model   *gates
	service *receiver
	site    *site
	nodes   []*process

	asking, hooked, waiting []run
}

// TestCancelStorm cancels them all, on any node: each ends CANCELLED, and nothing
// is left of them.
func TestCancelStorm(t *testing.T) {
	t.Parallel()
	runs := numberFrom(t, "SNAPHOOK_CANCELLED_RUNS", defaultCancelled, 10_000)
	workers := (runs + 4) / 5
	s := &storm{model: newGates(t), service: newReceiver(t, nil)}
	s.site, s.nodes = newCluster(t, config{
		model: openai(s.model.BaseURL()), agents: []string{"agent", "hooked"},
		more: fmt.Sprintf("background: {workers: %d}\n", workers),
	})
	s.prepare(t)
	before := s.goroutines(t)
	release := s.service.block(t)
	s.begin(t, runs, 3*workers)

	s.cancel(t, s.waiting)
	for i, r := range s.waiting {
		if got := s.nodes[i%len(s.nodes)].read(t, r); got.Status != "CANCELLED" {
			t.Errorf("the run %s is %s after its cancel, though no worker has time for it", r.RunID, got.Status)
		}
	}
	s.cancel(t, append(s.hooked, s.asking...))
	release()
	s.checkCancelled(t)
	s.checkNothingIsLeft(t, before, inFlight("agent", "agent"), inFlight("agent", "hooked"), `snaphook_hook_calls_in_flight{mode="blocking"}`)
}

// prepare binds a hook that waits for the service, and has every node make a run of
// each agent.
func (s *storm) prepare(t *testing.T) {
	t.Helper()
	s.nodes[0].installWith(t, newPlugin(t, "asks", permitHTTP(s.service.url()), hook{
		name: "service", point: "input", fields: []string{"mode: blocking", "timeout: 5s"}, does: guesttest.Posts(s.service.url()),
	}), "http")
	s.nodes[0].bind(t, "hooked", binding{"plugin": "asks", "on_error": "allow"}) // a timeout leads to the model
	for _, p := range s.nodes {
		p.run(t, "agent", form{"message": "hello"}).must(t, "to hello")
		known := len(s.service.requests())
		eventually(t, "the binding is in force", func() bool {
			p.run(t, "hooked", form{"message": "hello"}).must(t, "to hello")
			return len(s.service.requests()) > known
		})
	}
}

// goroutines counts those of every node while no client is connected to it.
func (s *storm) goroutines(t *testing.T) []int {
	t.Helper()
	counts := make([]int, len(s.nodes))
	for i, p := range s.nodes {
		p.http.CloseIdleConnections()
		counts[i] = p.metric(t, "go_goroutines")
	}
	return counts
}

// begin starts the runs: for every worker one, and then the rest.
func (s *storm) begin(t *testing.T, runs, workers int) {
	t.Helper()
	launched := 0
	launch := func(agent string, n int) (list []run) {
		for range n {
			p, id := s.nodes[launched%len(s.nodes)], fmt.Sprintf("run-%d", launched)
			list = append(list, p.launch(t, agent, form{"message": question(run{RunID: id}), "run_id": id}))
			launched++
		}
		return list
	}
	asked, told := s.model.Calls(), len(s.service.requests())
	hooked := min(workers/6, 2*runtime.GOMAXPROCS(0)) // a node makes as many calls at once
	s.asking = launch("agent", workers-hooked)
	eventually(t, "the model is asked", func() bool { return s.model.Calls()-asked == len(s.asking) })
	s.hooked = launch("hooked", hooked)
	s.waiting = launch("agent", runs-workers)
	eventually(t, "the hooks are called", func() bool { return len(s.service.requests())-told == len(s.hooked) })
}

// question is the message of a run.
func question(r run) string { return "wait " + r.RunID }

// cancel cancels runs at once, and returns when all cancels are answered. The model
// answers a run from then on, maybe before its node has heard of the cancel.
func (s *storm) cancel(t *testing.T, runs []run) {
	t.Helper()
	var clients sync.WaitGroup
	for i, r := range runs {
		clients.Go(func() {
			got, err := s.nodes[(i+1)%len(s.nodes)].send(t.Context(), http.MethodPost, r.at("cancel"), "", nil)
			if err != nil || got.status != 200 {
				t.Errorf("cancel run %s: %v, status %d", r.RunID, err, got.status)
			}
			s.model.open(question(r))
		})
	}
	clients.Wait()
}

// checkCancelled: none of the runs can have ended before its cancel was answered,
// since the model did not answer before.
func (s *storm) checkCancelled(t *testing.T) {
	t.Helper()
	for i, r := range slices.Concat(s.waiting, s.hooked, s.asking) {
		if got := s.nodes[(i+2)%len(s.nodes)].ended(t, r); got.Status != "CANCELLED" {
			t.Errorf("the run %s is %s with %q", r.RunID, got.Status, got.Content)
		}
	}
	for _, r := range s.waiting {
		if s.model.asked(question(r)) != 0 {
			t.Errorf("the run %s waited for a worker when it was cancelled, and has asked the model", r.RunID)
		}
	}
}

// inFlight is the metric that counts the runs of a component.
func inFlight(kind, id string) string {
	return fmt.Sprintf("snaphook_runs_in_flight{component=%q,kind=%q}", id, kind)
}

// checkNothingIsLeft: the gauges are 0, there are neither runs nor calls nor busy
// connections, and no more goroutines than before.
func (s *storm) checkNothingIsLeft(t *testing.T, before []int, gauges ...string) {
	t.Helper()
	for i, p := range s.nodes {
		for _, gauge := range gauges {
			eventually(t, gauge+" is 0", func() bool { return p.metric(t, gauge) == 0 })
		}
		eventually(t, "the goroutines have ended", func() bool { return s.goroutines(t)[i] <= before[i]+spareGoroutines })
	}
	db := s.site.database(t)
	for what, query := range map[string]string{
		"runs":        `SELECT count(*) FROM runs WHERE status IN ('PENDING', 'RUNNING')`,
		"hook calls":  `SELECT count(*) FROM hook_calls WHERE status IN ('queued', 'running')`,
		"inputs":      `SELECT count(*) FROM run_inputs`,
		"checkpoints": `SELECT count(*) FROM run_checkpoints`,
		"busy connections": `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'`,
		// Each of the three nodes has a pool of 20, and some for River and to listen.
		"connections beyond the pools": `SELECT greatest(count(*) - 90, 0) FROM pg_stat_activity WHERE datname = current_database()`,
	} {
		eventually(t, "no "+what+" are left", func() bool { return db.number(t, query) == 0 })
	}
}

// spareGoroutines are those of connections a node keeps for the next requests.
const spareGoroutines = 20
