package sqlite

import (
	"context"
	"errors"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

var errLater = errors.New("not built yet")

func (s *Store) ChildRuns(context.Context, string) ([]host.Run, error) { return nil, errLater }

func (s *Store) Evaluations(context.Context, host.EvaluationFilter) ([]host.Evaluation, int, error) {
	return nil, 0, errLater
}

func (s *Store) Evaluation(context.Context, string) (host.Evaluation, error) {
	return host.Evaluation{}, errLater
}

func (s *Store) RenameEvaluation(context.Context, string, string, time.Time) (host.Evaluation, error) {
	return host.Evaluation{}, errLater
}

func (s *Store) DeleteEvaluations(context.Context, []string) error { return errLater }
