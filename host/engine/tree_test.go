package engine

import (
	"context"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
)

// slowStore takes a checkpoint when it is told to.
type slowStore struct {
	host.Store
	reached, take chan struct{}
	saved         int
}

func (s *slowStore) SaveCheckpoint(context.Context, host.Checkpoint) error {
	s.saved++
	s.reached <- struct{}{}
	<-s.take
	return nil
}

// Checkpoints that wait for another one's are stored together, and one wanted
// afterwards is stored again.
func TestCheckpointsAreStoredTogether(t *testing.T) {
	t.Parallel()
	s := &slowStore{reached: make(chan struct{}, 3), take: make(chan struct{})}
	shared := &tree{root: &execution{Engine: &Engine{store: s}, saved: &checkpoint{Run: &host.Run{}}}}
	var savers errgroup.Group
	save := func() error { return shared.store(t.Context()) }
	savers.Go(save)
	<-s.reached
	const waiting = 20
	for range waiting {
		savers.Go(save)
	}
	for asked := int64(0); asked <= waiting; runtime.Gosched() {
		shared.mu.Lock()
		asked = shared.asked
		shared.mu.Unlock()
	}
	close(s.take)
	if err := savers.Wait(); err != nil || s.saved != 2 {
		t.Errorf("stored %d times, %v", s.saved, err)
	}
	if err := save(); err != nil || s.saved != 3 {
		t.Errorf("stored %d times, %v", s.saved, err)
	}
}
