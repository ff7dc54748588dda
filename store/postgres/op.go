package postgres

import (
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// op is a write nobody waits for. One of the first three fields says what; without
// one it is a barrier, which somebody waits for until those before it are written.
type op struct {
	create *host.NewRun
	begin  *runStart
	start  *callStart
	// key names the row of an op that another one of the row can replace; "" for
	// none.
	key string

	due  time.Time  // when the op is written at the latest
	done chan error // gets the answer of a barrier
	err  error      // what the last try came to
	// settled is closed when the op has left the writer's hands; nil unless
	// somebody waits for that.
	settled chan struct{}
}

// runStart turns a PENDING run into RUNNING.
type runStart struct {
	id      string
	attempt int
}

// callStart marks a queued call running.
type callStart struct {
	id    string
	fence int
	at    time.Time
}

func (o *op) barrier() bool { return o.done != nil }
