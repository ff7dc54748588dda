// Package pool carries out background calls in this process: a bounded queue
// and a bounded number of supervised workers.
package pool

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// Job is one attempt of a background call.
type Job struct {
	Call host.HookCall
	// Snapshot is the call's context, nil when it is to be read from the store.
	Snapshot []byte
}

// Config bounds a Pool; zero fields take the default.
type Config struct {
	// Workers run at once; 32 by default.
	Workers int
	// Queue is how many jobs wait behind them; 1024 by default.
	Queue int
	// PluginWorkers is how many jobs of one plugin run at once, PluginRoom how
	// many of one plugin run and wait. Each is half of all by default, so that one
	// slow plugin leaves workers, and room, to the others.
	PluginWorkers int
	PluginRoom    int
	// SoftStop is how long a stopping pool may go on; 20 s by default.
	SoftStop time.Duration
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = 32
	}
	if c.Queue == 0 {
		c.Queue = 1024
	}
	if c.PluginWorkers == 0 {
		c.PluginWorkers = max(1, c.Workers/2)
	}
	if c.PluginRoom == 0 {
		c.PluginRoom = max(c.PluginWorkers, (c.Workers+c.Queue)/2)
	}
	if c.SoftStop == 0 {
		c.SoftStop = 20 * time.Second
	}
	return c
}

// Handler carries jobs out.
type Handler interface {
	// Work makes one attempt. It returns soon after ctx ends and does not panic. What
	// it returns, unless nil, is to be called and needs no worker, only the room of
	// the job.
	Work(ctx context.Context, job Job) (settle func())
	// Abandon is called for a job that a stopping pool did not begin.
	Abandon(ctx context.Context, job Job)
}

// Pool is a bounded queue with its workers. It is safe for concurrent use.
type Pool struct {
	cfg Config
	// jobs may begin as soon as there is a worker.
	jobs chan Job
	wake chan struct{}
	// idle is closed when the pool has stopped and all room is free.
	idle chan struct{}

	// settling are the results that no worker waits for.
	settling sync.WaitGroup

	mu      sync.Mutex
	free    int
	lanes   map[string]*lane // of the plugins that have room taken
	wanted  map[string]bool  // the plugins somebody waits for room for
	stopped bool
}

// New makes a pool; nothing runs before Run.
func New(cfg Config) (*Pool, error) {
	if min(cfg.Workers, cfg.Queue, cfg.PluginWorkers, cfg.PluginRoom) < 0 || cfg.SoftStop < 0 {
		return nil, errors.New("new pool: workers, queue, their shares and soft stop must not be negative")
	}
	cfg = cfg.withDefaults()
	room := cfg.Workers + cfg.Queue
	return &Pool{
		cfg: cfg, free: room, jobs: make(chan Job, room), wake: make(chan struct{}, 1),
		idle: make(chan struct{}), lanes: map[string]*lane{}, wanted: map[string]bool{},
	}, nil
}

// Reserve takes room for up to n jobs of a plugin and returns how many it got:
// fewer when the pool or the plugin's share of it is full, none when it stops.
func (p *Pool) Reserve(plugin string, n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	got := min(n, p.room(plugin))
	if got <= 0 {
		return 0
	}
	p.free -= got
	p.lane(plugin).held += got
	return got
}

// Return gives back room that was reserved and not used.
func (p *Pool) Return(plugin string, n int) {
	if n > 0 {
		p.giveBack(plugin, n)
	}
}

// Want asks for a signal on Wake as soon as there is room for the plugin.
func (p *Pool) Want(plugin string) {
	p.mu.Lock()
	p.wanted[plugin] = true
	wake := p.tell()
	p.mu.Unlock()
	if wake {
		p.Nudge()
	}
}

// Nudge sends a signal on Wake: the store holds due work this pool was not
// handed.
func (p *Pool) Nudge() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Wake is sent to by Nudge, and when room that was wanted became free.
func (p *Pool) Wake() <-chan struct{} { return p.wake }

// Submit hands over jobs whose room has been reserved. It does not block.
func (p *Pool) Submit(jobs ...Job) {
	for _, job := range jobs {
		if p.enter(job) {
			p.jobs <- job
		}
	}
}

// Run carries jobs out until ctx ends; then it gives no more room, drains what it
// has, and what room was reserved for, for at most SoftStop, and cancels the rest.
// It returns when every worker has.
func (p *Pool) Run(ctx context.Context, handler Handler) error {
	work, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	var workers sync.WaitGroup
	for range p.cfg.Workers {
		workers.Go(func() { p.loop(work, handler) })
	}
	<-ctx.Done()
	p.stop()
	soft := time.AfterFunc(p.cfg.SoftStop, func() { cancel(ErrStopped) })
	defer soft.Stop()
	workers.Wait()
	p.settling.Wait()
	return nil
}

// ErrStopped is the cause of the context of a job that outlived SoftStop.
var ErrStopped = errors.New("the host stopped")

func (p *Pool) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.rest()
}

// rest ends the workers of a stopped pool that has nothing left. The caller holds
// the lock, and has just stopped the pool or freed room.
func (p *Pool) rest() {
	if p.stopped && p.free == cap(p.jobs) {
		close(p.idle)
	}
}

// loop is one worker.
func (p *Pool) loop(ctx context.Context, handler Handler) {
	for {
		select {
		case job := <-p.jobs:
			p.carryOut(ctx, job, handler)
		case <-p.idle:
			return
		case <-ctx.Done():
			for p.next(ctx, handler) {
			}
			return
		}
	}
}

// next carries out one job if there is one.
func (p *Pool) next(ctx context.Context, handler Handler) bool {
	select {
	case job := <-p.jobs:
		p.carryOut(ctx, job, handler)
		return true
	default:
		return false
	}
}

// carryOut makes one attempt. Its result is settled while the worker goes on to the
// next job: a store that gathers results would keep all workers waiting.
func (p *Pool) carryOut(ctx context.Context, job Job, handler Handler) {
	settle := p.work(ctx, job, handler)
	p.advance(job)
	if settle == nil {
		p.giveBack(job.Call.Plugin, 1)
		return
	}
	p.settling.Go(func() {
		defer p.giveBack(job.Call.Plugin, 1)
		settle()
	})
}

func (p *Pool) work(ctx context.Context, job Job, handler Handler) (settle func()) {
	if ctx.Err() != nil {
		handler.Abandon(ctx, job)
		return nil
	}
	return handler.Work(ctx, job)
}
