package sqlite

import (
	"context"
	"database/sql"

	"github.com/snaphook-dev/snaphook/store/row"
)

// memory is what the writer's goroutine knows without asking the database. A run
// that ends asks for what may be there only.
type memory struct {
	lastCall   int64 // the seq of the hook call stored last
	cancels    bool  // a cancel may be kept for a run to come
	background bool  // a background run may be unfinished
}

const (
	lastCallQuery = `SELECT coalesce(max(seq), 0) FROM hook_calls`
	memoryQuery   = `SELECT EXISTS (SELECT 1 FROM run_cancels), EXISTS (SELECT 1 FROM runs INDEXED BY runs_background
		WHERE status IN ('PENDING', 'RUNNING') AND background)`
)

func newMemory(ctx context.Context, db *sql.DB) (*memory, error) {
	m := &memory{}
	if err := db.QueryRowContext(ctx, lastCallQuery).Scan(&m.lastCall); err != nil {
		return nil, err
	}
	return m, m.scan(db.QueryRowContext(ctx, memoryQuery))
}

func (m *memory) scan(r row.Scanner) error { return r.Scan(&m.cancels, &m.background) }

// refresh forgets what is no longer there.
func (t *tx) refresh() error {
	scan := func(r row.Scanner) (struct{}, error) { return struct{}{}, t.memory.scan(r) }
	_, err := queryTx(t, scan, memoryQuery)
	return err
}
