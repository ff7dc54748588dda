package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// waitedFor chooses the runs a that later runs of their session wait for.
const waitedFor = `a.turn IS NULL AND NOT a.parallel`

const aheadQuery = `SELECT EXISTS (SELECT FROM runs AS a
	WHERE ` + waitedFor + ` AND a.session_id = r.session_id AND a.seq < r.seq) FROM runs AS r WHERE r.id = $1`

// Ahead reports whether a run of the same session was created before this one and
// has not ended. A run is in its place once its creation is committed, so that is
// waited for.
func (s *Store) Ahead(ctx context.Context, run host.Run) (bool, error) {
	if run.Parallel || !run.TopLevel() {
		return false, nil
	}
	if err := s.writer.flush(ctx); err != nil {
		return false, fmt.Errorf("look ahead: %w", err)
	}
	ahead, err := get(ctx, s, row.Value[bool], aheadQuery, run.ID)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, row.RunNotFound(run.ID)
	}
	if err != nil {
		return false, fmt.Errorf("look ahead: %w", err)
	}
	return ahead, nil
}
