package e2e

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
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
	kills := numberFrom(t, "SNAPHOOK_KILLS", defaultKills, pluginapi.MaxRetryAttempts-1)
	k := newKilling(t, "", 1, kills)
	k.prepare(t, kills)
	stop := k.startClients(t, (*killClient).askPlain, (*killClient).askStream, (*killClient).askLater, (*killClient).follow)
	for range kills {
		k.killAtRandom(t, 1+k.random.IntN(20))
	}
	stop()
	k.check(t)
}

// numberFrom reads a number from the environment.
func numberFrom(t *testing.T, name string, otherwise, most int) int {
	t.Helper()
	text, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		t.Fatalf("%s is %q, want a number from 1 to %d", name, text, most)
	}
	return n
}

// killing is some hosts that are killed again and again, and what their clients
// know.
type killing struct {
	// witness is told of runs by their background hooks; tools have their work done
	// in the workshop.
	witness  *receiver
	workshop *receiver
	site     *site
	random   *rand.Rand
	seed     uint64
	killed   int

	mu      sync.Mutex
	nodes   []*process    // nil for one that is not there
	up      chan struct{} // closed when one has come
	answers []*answer
}

// newKilling starts the hosts of a site on a store.
func newKilling(t *testing.T, store string, nodes, kills int) *killing {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	k := &killing{
		witness: newReceiver(t, flaky), workshop: newSlowWorkshop(t),
		seed: seed, random: rand.New(rand.NewPCG(seed, 1<<32)),
		site: newSite(t, config{
			store: store, model: openai(newUnhurried(t, seed).BaseURL()),
			agents: killAgents, more: killTrees,
		}),
		up: make(chan struct{}),
	}
	k.putTreePlugins(t, kills)
	k.nodes = k.site.startAll(t, nodes)
	return k
}

// newUnhurried makes a caller that takes a moment to answer.
func newUnhurried(t *testing.T, seed uint64) *openaitest.Server {
	t.Helper()
	return openaitest.New(t, func(n int, req openaitest.Request) openaitest.Answer {
		random := rand.New(rand.NewPCG(seed, uint64(n)))
		hold := make(chan struct{})
		time.AfterFunc(time.Duration(random.IntN(100))*time.Millisecond, func() { close(hold) })
		answer := callEach(req)
		answer.Hold = hold
		return answer
	})
}

// startClients lets clients ask the hosts until stop is called.
func (k *killing) startClients(t *testing.T, asks ...ask) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 6 {
		c := &killClient{killing: k, random: rand.New(rand.NewPCG(k.seed, uint64(n))), asks: asks}
		clients.Go(func() { c.run(ctx, t) })
	}
	return func() {
		cancel()
		clients.Wait()
	}
}

// node waits for a host, any of those there are; nil when ctx ends first.
func (k *killing) node(ctx context.Context, random *rand.Rand) *process {
	for ctx.Err() == nil {
		k.mu.Lock()
		there := slices.DeleteFunc(slices.Clone(k.nodes), func(p *process) bool { return p == nil })
		up := k.up
		k.mu.Unlock()
		if len(there) > 0 {
			return there[random.IntN(len(there))]
		}
		select {
		case <-up:
		case <-ctx.Done():
		}
	}
	return nil
}

// killAtRandom kills one host or more after some more answers and a random moment,
// so that every life of one has done some work, and starts the next.
func (k *killing) killAtRandom(t *testing.T, answers int) {
	t.Helper()
	enough := k.answered() + answers
	eventually(t, "the clients get answers", func() bool { return k.answered() >= enough })
	<-time.After(time.Duration(k.random.IntN(150_000)) * time.Microsecond)
	victims := k.random.Perm(len(k.nodes))[:1+k.random.IntN(len(k.nodes))]
	for _, i := range victims {
		k.replace(i, nil).kill(t)
	}
	k.killed += len(victims)
	next := k.site.startAll(t, len(victims))
	for n, i := range victims {
		k.replace(i, next[n])
	}
}

// replace puts a host into the place of another, which it returns.
func (k *killing) replace(i int, p *process) *process {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := k.nodes[i]
	k.nodes[i] = p
	if p != nil {
		close(k.up)
		k.up = make(chan struct{})
	}
	return old
}

func (k *killing) answered() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.answers)
}

func (k *killing) record(a *answer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answers = append(k.answers, a)
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
	"worker": {"mix.seen": {"completed"}, "mix.done": {"completed"}},
	"desk":   {"mix.seen": {"completed"}, "mix.done": {"completed"}},
	"flow":   {"mix.seen": {"completed"}, "mix.done": {"completed"}},
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
	background := untilDone(kills)
	thrice := []string{"mode: background", "retry: {max_attempts: 3, initial: 10ms, max: 10ms}"}
	guardrail := []string{"guardrail: true"}
	p := k.nodes[0]
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
	for _, component := range []string{"worker", "teams/desk", "workflows/flow"} {
		p.bind(t, component, binding{"plugin": "mix", "hook": "seen"}, binding{"plugin": "mix", "hook": "done"})
	}
	p.bind(t, "busy", binding{"plugin": "mix"})
	p.bind(t, "refused-input", binding{"plugin": "mix"}, binding{"plugin": "no", "hook": "input"}, binding{"plugin": "mix", "hook": "seen"})
	p.bind(t, "refused-output", binding{"plugin": "mix"}, binding{"plugin": "no", "hook": "output"})
	p.bind(t, "slow", binding{"plugin": "pause"}, binding{"plugin": "mix"})
}
