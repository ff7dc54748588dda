package engine

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// iterated is what is kept of the iterations of a loop that goes on.
type iterated struct {
	// Count is how many have ended; Content is what the next one is given.
	Count   int             `json:"count"`
	Content json.RawMessage `json:"content"`
}

// loop carries out the steps inside until its condition holds, or as often as it
// may.
func (w *walker) loop(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage) (host.StepOutput, error) {
	output, most := w.output(s, at), s.MaxIterations
	if most <= 0 {
		most = host.MaxIterations
	}
	w.emitStep(host.EventLoopStarted, s, at, host.StepEvent{MaxIterations: most})
	began, previous := w.iterated(at, previous)
	all := make([][]host.StepOutput, began)
	for {
		n := len(all) + 1
		w.emitStep(host.EventLoopIterationStarted, s, at, host.StepEvent{Iteration: n, MaxIterations: most})
		results, content, err := w.sequence(ctx, pointers(s.Steps), at.iteration(n), output.ID, previous)
		if err != nil {
			return output, err
		}
		previous = content
		goesOn, err := w.goesOn(ctx, s, at.again(n), previous, n < most)
		if err != nil {
			return output, err
		}
		w.emitStep(host.EventLoopIterationCompleted, s, at, host.StepEvent{
			Iteration: n, MaxIterations: most, Results: results, Continues: goesOn,
		})
		if !goesOn {
			all = append(all, results)
			w.emitStep(host.EventLoopCompleted, s, at, host.StepEvent{Iteration: n, MaxIterations: most, Iterations: all})
			return w.group(output, s, results, previous), nil
		}
		all = append(all, emptied(results))
		w.noteIteration(s, at, n, previous)
	}
}

// goesOn reports whether a loop has another iteration.
func (w *walker) goesOn(ctx context.Context, s *host.Step, at stepPlace, previous json.RawMessage, may bool) (bool, error) {
	if !may || s.Decide.Empty() {
		return may, nil
	}
	ends, err := w.holds(ctx, s, at, previous)
	return !ends, err
}

// iterated returns how many iterations of the loop an earlier worker has ended, and
// what the next one is given.
func (w *walker) iterated(at stepPlace, previous json.RawMessage) (int, json.RawMessage) {
	done := w.done(at.loopKey())
	if done == nil {
		return 0, previous
	}
	w.recall(done)
	return done.Loop.Count, done.Loop.Content
}

// noteIteration keeps for the next checkpoint that an iteration has ended and another
// one follows, in the place of all that was done in it: what is kept of a loop does
// not grow with its iterations. Until then the steps of the iteration say the same.
func (w *walker) noteIteration(s *host.Step, at stepPlace, n int, content json.RawMessage) {
	key, iteration, decided := at.loopKey(), at.iteration(n).key, at.again(n).key+"?"
	done := doneStep{Key: key, Step: s.Name, Loop: &iterated{Count: n, Content: content}, Contents: w.inside(s)}
	w.replace(done, func(k string) bool {
		return k == key || within(k, iteration) || strings.HasPrefix(k, decided)
	})
}

// iteration is the place of an iteration of the loop at p.
func (p stepPlace) iteration(n int) stepPlace {
	return stepPlace{key: p.key + "." + strconv.Itoa(n), last: p.last}
}

// loopKey is the key of what is kept of the loop at p.
func (p stepPlace) loopKey() string { return p.key + ".loop" }

// emptied are outputs without contents.
func emptied(outputs []host.StepOutput) []host.StepOutput {
	empty := make([]host.StepOutput, len(outputs))
	for i := range outputs {
		empty[i] = hideOutput(outputs[i])
	}
	return empty
}
