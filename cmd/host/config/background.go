package config

import "time"

// How background runs are bounded unless the file says otherwise.
const (
	DefaultRunWorkers = 32
	DefaultRunQueue   = 1000
	DefaultRunTimeout = time.Hour
	DefaultRunDrain   = 20 * time.Second
)

// The most that can be asked for.
const (
	maxRunWorkers = 10_000
	maxRunQueue   = 1_000_000
	maxRunDrain   = time.Hour
	maxRunTimeout = 7 * day
)

// Background bounds background runs.
type Background struct {
	// Workers is how many go on at once on this node.
	Workers int
	// Queue is how many may be PENDING in the store.
	Queue int
	// Timeout is how long one may take.
	Timeout time.Duration
	// Drain is how long a stopping node lets them go on before it hands them back.
	Drain time.Duration
}

func (l *loader) background(parent *mapping, c *Config) {
	c.Background = Background{
		Workers: DefaultRunWorkers, Queue: DefaultRunQueue,
		Timeout: DefaultRunTimeout, Drain: DefaultRunDrain,
	}
	parent.read("background", func(n *node) {
		b, m := &c.Background, l.mapping(n)
		m.read("workers", func(n *node) { b.Workers = l.positive(n, maxRunWorkers) })
		m.read("queue", func(n *node) { b.Queue = l.positive(n, maxRunQueue) })
		m.read("timeout", func(n *node) { b.Timeout = l.durationUpTo(n, maxRunTimeout) })
		m.read("drain", func(n *node) { b.Drain = l.durationUpTo(n, maxRunDrain) })
		m.close()
	})
}

// positive is a whole number from 1 to most.
func (l *loader) positive(n *node, most int) int {
	v, ok := n.value.(uint64)
	if !ok || v < 1 || v > uint64(most) {
		l.problem(n, "must be a whole number from 1 to %d", most)
		return 1
	}
	return int(v)
}

// durationUpTo is a duration such as 30s.
func (l *loader) durationUpTo(n *node, most time.Duration) time.Duration {
	d := time.Duration(l.duration(n))
	if d > most {
		l.problem(n, "must be at most %s", most)
	}
	return d
}
