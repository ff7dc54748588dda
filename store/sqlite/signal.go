package sqlite

import (
	"context"
	"sync"

	"github.com/snaphook-dev/snaphook/host"
)

// maxSignals is how many signals wait for a listener; more are lost.
const maxSignals = 1024

// signals hands what was committed to the listeners of this process. It is safe
// for concurrent use.
type signals struct {
	mu        sync.Mutex
	listeners map[chan host.Signal]struct{}
}

func newSignals() *signals { return &signals{listeners: map[chan host.Signal]struct{}{}} }

// send never waits for a listener.
func (s *signals) send(sent []host.Signal) {
	if len(sent) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for listener := range s.listeners {
		for _, signal := range sent {
			select {
			case listener <- signal:
			default:
			}
		}
	}
}

func (s *signals) add() chan host.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	listener := make(chan host.Signal, maxSignals)
	s.listeners[listener] = struct{}{}
	return listener
}

func (s *signals) remove(listener chan host.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, listener)
}

// Listen hands the signals of this process to receive until ctx ends: nobody else
// writes to the file.
func (s *Store) Listen(ctx context.Context, receive func(host.Signal)) error {
	listener := s.writer.signals.add()
	defer s.writer.signals.remove(listener)
	for {
		select {
		case <-ctx.Done():
			return nil
		case signal := <-listener:
			receive(signal)
		}
	}
}

// Attend has nothing to show: who opens the file next finds the lock free.
func (s *Store) Attend(ctx context.Context, _ string) error {
	<-ctx.Done()
	return nil
}
