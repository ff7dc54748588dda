package runtime

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

var errNoEvaluations = fmt.Errorf("evaluate: %w", host.ErrNotGranted)

func addEvaluation(ctx context.Context, s host.Services, args [][]byte) ([]byte, bool, error) {
	if s.Evaluations == nil {
		return nil, false, errNoEvaluations
	}
	return nil, false, s.Evaluations.Add(ctx, args[0])
}
