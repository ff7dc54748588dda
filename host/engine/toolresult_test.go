package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// many are so many calls of the tool f.
func many(n int) model.Response {
	var asked []string
	for i := range n {
		asked = append(asked, fmt.Sprintf("c%d f {}", i))
	}
	return calls(asked...)
}

// The results of a run's tools have one bound together, which another worker does not
// lift; what is beyond it the model is told.
func TestResultsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	large := newFunction("f", returns(`"`+strings.Repeat("x", host.MaxToolResult-2)+`"`))
	f.withTools(t, nil, large)
	worker, stop := context.WithCancel(t.Context())
	f.model.script = func(c context.Context, req model.Request) (model.Response, error) {
		switch {
		case req.Turn == 1:
			return many(10), nil
		case req.Turn == 2 && c.Err() == nil && worker.Err() == nil:
			stop()
			<-c.Done()
			return model.Response{}, c.Err()
		case req.Turn == 2 || req.Turn == 3:
			return many(5), nil
		}
		return text("Done."), nil
	}
	id := f.accept(t, asks("go")).ID
	f.stopIn(t, worker, id)
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	run, kept, refused := f.stored(t, id), 0, 0
	for _, result := range toolMessages(&run) {
		if len(result) == host.MaxToolResult-2 {
			kept++
		} else if strings.HasPrefix(result, "error: The results of the run's tools have more than 16777216 bytes together") {
			refused++
		}
	}
	if kept != 16 || refused != 4 {
		t.Errorf("%d results kept, %d refused, status %s", kept, refused, run.Status)
	}
	if i := slices.IndexFunc(f.store.checkpoints, func(c string) bool { return len(c) > host.MaxToolResults+1<<20 }); i >= 0 {
		t.Errorf("checkpoint %d has %d bytes", i, len(f.store.checkpoints[i]))
	}
}
