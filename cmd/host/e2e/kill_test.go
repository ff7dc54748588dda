package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// defaultKills is how often TestKill kills; SNAPHOOK_KILLS overrides it.
const defaultKills = 5

// TestKill kills the host at random moments while clients run agents with
// background hooks, starts it again on the same database, and looks at what is
// left when everything has come to rest: nothing that was promised is undone,
// and nothing that was refused was done.
func TestKill(t *testing.T) {
	t.Parallel()
	kills, seed := killsWanted(t), rand.Uint64()
	t.Logf("seed %d", seed)
	k := &killing{
		witness: newReceiver(t, flaky),
		site:    newSite(t, config{agents: []string{"busy", "refused-input", "refused-output", "slow"}}),
		up:      make(chan struct{}),
	}
	k.start(t)
	k.prepare(t, kills)

	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 4 {
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		clients.Go(func() { k.ask(ctx, random) })
	}
	random := rand.New(rand.NewPCG(seed, 1<<32))
	for range kills {
		k.killAtRandom(t, random)
		k.start(t)
	}
	stop()
	clients.Wait()
	report := k.check(t)
	t.Logf("%d kills; runs answered: %d completed, %d refused; left by the kills: %d runs ended host_restarted; "+
		"background calls: %d completed, %d dead; attempts repeated: %d; deliveries: %d",
		kills, report.completed, report.refused, report.restarted,
		report.callsCompleted, report.callsDead, report.repeated, len(k.witness.requests()))
}

func killsWanted(t *testing.T) int {
	t.Helper()
	text, set := os.LookupEnv("SNAPHOOK_KILLS")
	if !set {
		return defaultKills
	}
	n, err := strconv.Atoi(text)
	if most := pluginapi.MaxRetryAttempts - 1; err != nil || n < 1 || n > most {
		t.Fatalf("SNAPHOOK_KILLS is %q, want a number from 1 to %d", text, most)
	}
	return n
}

// killing is a host that is killed again and again, and what its clients know.
type killing struct {
	// witness is told of runs by their background hooks.
	witness *receiver
	site    *site

	mu      sync.Mutex
	process *process      // nil while there is none
	up      chan struct{} // closed when process is set
	answers []answer
}

// answer is a run a client has got the whole answer of.
type answer struct {
	agent, runID, sessionID, status string
}

// start starts the next process and lets the clients at it.
func (k *killing) start(t *testing.T) {
	t.Helper()
	p := k.site.start(t)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process = p
	close(k.up)
}

// current waits for a process; nil when ctx ends first.
func (k *killing) current(ctx context.Context) *process {
	for ctx.Err() == nil {
		k.mu.Lock()
		p, up := k.process, k.up
		k.mu.Unlock()
		if p != nil {
			return p
		}
		select {
		case <-up:
		case <-ctx.Done():
		}
	}
	return nil
}

// killAtRandom kills after a random number of answers and a random moment more,
// so that every life of the host has done some work.
func (k *killing) killAtRandom(t *testing.T, random *rand.Rand) {
	t.Helper()
	enough := k.answered() + 1 + random.IntN(20)
	eventually(t, "the clients get answers", func() bool { return k.answered() >= enough })
	<-time.After(time.Duration(random.IntN(150_000)) * time.Microsecond)
	k.mu.Lock()
	p := k.process
	k.process, k.up = nil, make(chan struct{})
	k.mu.Unlock()
	p.kill(t)
}

func (k *killing) answered() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.answers)
}

// callsOf are the background calls of one run of an agent, and how they may end.
// All but flaky have more attempts than there are kills.
var callsOf = map[string]map[string][]string{
	"busy": {
		"mix.seen": {"completed"}, "mix.done": {"completed"}, "mix.slow": {"completed"}, "mix.flaky": {"completed", "dead"},
	},
	"slow": {
		"mix.seen": {"completed"}, "mix.done": {"completed"}, "mix.slow": {"completed"}, "mix.flaky": {"completed", "dead"},
		"pause.after": {"completed"},
	},
}

// flaky makes the witness turn away the first attempt of every call of the hook
// of that name, and some calls for ever.
func flaky(_ int, r request) int {
	var c pluginapi.Context
	if r.path != "/flaky" || json.Unmarshal(r.body, &c) != nil {
		return http.StatusNoContent
	}
	d := c.Extensions.Snaphook.Delivery
	if d.Attempt == 1 || d.IdempotencyKey < "2" {
		return http.StatusServiceUnavailable
	}
	return http.StatusNoContent
}

// prepare installs the hooks: two that tell the witness, a slow one, one that
// often fails, guardrails that refuse, and two that pause: a run waits for the
// one, and the other outlives most lives of the host.
func (k *killing) prepare(t *testing.T, kills int) {
	t.Helper()
	background := []string{"mode: background", fmt.Sprintf("retry: {max_attempts: %d, initial: 10ms, max: 50ms}", kills+1)}
	thrice := []string{"mode: background", "retry: {max_attempts: 3, initial: 10ms, max: 10ms}"}
	guardrail := []string{"guardrail: true"}
	p := k.process
	url := k.witness.url()
	p.installWith(t, newPlugin(t, "mix", permitHTTP(url),
		hook{name: "seen", point: "input", fields: background, does: guesttest.Posts(url + "/seen")},
		hook{name: "done", point: "output", fields: background, does: guesttest.Posts(url + "/done")},
		hook{name: "slow", point: "output", fields: background, does: guesttest.Sleeps(60 * time.Millisecond)},
		hook{name: "flaky", point: "output", fields: thrice, does: guesttest.Posts(url + "/flaky")}), "http")
	p.install(t,
		newPlugin(t, "no", "",
			hook{name: "input", point: "input", fields: guardrail, does: guesttest.Answers(deny)},
			hook{name: "output", point: "output", fields: guardrail, does: guesttest.Answers(deny)}),
		newPlugin(t, "pause", "",
			hook{name: "before", point: "input", does: guesttest.Sleeps(100 * time.Millisecond)},
			hook{name: "after", point: "output", fields: background, does: guesttest.Sleeps(1500 * time.Millisecond)}))
	p.bind(t, "busy", binding{"plugin": "mix"})
	p.bind(t, "refused-input", binding{"plugin": "mix"}, binding{"plugin": "no", "hook": "input"}, binding{"plugin": "mix", "hook": "seen"})
	p.bind(t, "refused-output", binding{"plugin": "mix"}, binding{"plugin": "no", "hook": "output"})
	p.bind(t, "slow", binding{"plugin": "pause"}, binding{"plugin": "mix"})
}
