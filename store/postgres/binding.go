package postgres

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Bindings returns the lists of all scopes that have one.
func (s *Store) Bindings(ctx context.Context) (map[host.BindingScope][]host.Binding, error) {
	lists, err := list(ctx, s, row.ScanBindings, `SELECT `+row.BindingColumns+` FROM bindings`)
	if err != nil {
		return nil, fmt.Errorf("read bindings: %w", err)
	}
	return row.BindingsByScope(lists), nil
}

// PutBindings replaces the list of one scope. An empty list removes it.
func (s *Store) PutBindings(ctx context.Context, scope host.BindingScope, bindings []host.Binding) error {
	doc, err := row.Encode(bindings)
	if err != nil {
		return fmt.Errorf("put bindings: %w", err)
	}
	err = s.write(ctx, func(ctx context.Context, t *tx) error {
		if err := revise(ctx, t); err != nil {
			return err
		}
		if len(bindings) == 0 {
			const query = `DELETE FROM bindings WHERE component_kind = $1 AND component_id = $2`
			_, err := t.Exec(ctx, query, string(scope.Kind), scope.ID)
			return err
		}
		const query = `INSERT INTO bindings (component_kind, component_id, doc) VALUES ($1, $2, $3)
			ON CONFLICT (component_kind, component_id) DO UPDATE SET doc = excluded.doc`
		_, err := t.Exec(ctx, query, string(scope.Kind), scope.ID, doc)
		return err
	})
	if err != nil {
		return fmt.Errorf("put bindings: %w", err)
	}
	return nil
}
