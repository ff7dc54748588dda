package postgres

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Revision grows with every change of plugins, activations, grants and bindings.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	revision, err := get(ctx, s, row.Value[int64], `SELECT revision FROM plugin_revision`)
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return revision, nil
}

// revise raises the revision with the change at hand. Changes go one after
// another: who sees the revision sees the change.
func revise(ctx context.Context, t *tx) error {
	t.tell(host.SignalPlugins, "")
	_, err := t.Exec(ctx, `UPDATE plugin_revision SET revision = revision + 1`)
	return err
}
