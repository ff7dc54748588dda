package postgres

import (
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// op is a write that gathers with others. One of the four fields says what.
type op struct {
	create *host.NewRun
	begin  *runStart
	start  *callStart
	finish *callFinish
	// key names the row of an op that others of the row replace or wait for; "" for
	// none.
	key string

	// due is when the op is written at the latest; the zero time is now.
	due time.Time
	// done gets the answer; nil when nobody waits.
	done chan error
	err  error // what the last try came to
	// settled is closed when the op has left the writer's hands, by whoever waits
	// for that; nil while nobody does.
	settled chan struct{}
}

// runStart turns a PENDING run into RUNNING.
type runStart struct {
	id      string
	attempt int
}

// callStart marks a queued call running.
type callStart struct {
	id      string
	attempt int
	at      time.Time
}

// callFinish stores the final state of a call.
type callFinish struct {
	row     hookCallRow
	attempt int
}

// barrier reports an op that only waits for those before it.
func (o *op) barrier() bool {
	return o.create == nil && o.begin == nil && o.start == nil && o.finish == nil
}

func (o *op) lazy() bool { return o.done == nil }

// answer tells the caller, if there is one.
func (o *op) answer() {
	if o.done != nil {
		o.done <- o.err
	}
}
