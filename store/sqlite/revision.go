package sqlite

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Revision grows with every change of plugins, activations, grants and bindings.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	revision, err := one(ctx, s.read, row.Value[int64], `SELECT revision FROM plugin_revision`)
	if err != nil {
		return 0, fmt.Errorf("read revision: %w", err)
	}
	return revision, nil
}

// revise raises the revision with the change at hand.
func revise(t *tx) error {
	t.tell(host.SignalPlugins, "")
	_, err := t.exec(`UPDATE plugin_revision SET revision = revision + 1`)
	return err
}
