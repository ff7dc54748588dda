package sqlite

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// Bindings returns the lists of all scopes that have one.
func (s *Store) Bindings(ctx context.Context) (map[host.BindingScope][]host.Binding, error) {
	lists, err := all(ctx, s.read, row.ScanBindings, `SELECT `+row.BindingColumns+` FROM bindings`)
	if err != nil {
		return nil, fmt.Errorf("read bindings: %w", err)
	}
	return row.BindingsByScope(lists), nil
}

// PutBindings replaces the list of one scope. An empty list removes it.
func (s *Store) PutBindings(ctx context.Context, scope host.BindingScope, bindings []host.Binding) error {
	doc, err := encode(bindings)
	if err != nil {
		return fmt.Errorf("put bindings: %w", err)
	}
	err = s.writer.write(ctx, &op{do: func(t *tx) error {
		if err := revise(t); err != nil {
			return err
		}
		if len(bindings) == 0 {
			_, err := t.exec(`DELETE FROM bindings WHERE component_kind = ? AND component_id = ?`, scope.Kind, scope.ID)
			return err
		}
		const query = `INSERT INTO bindings (component_kind, component_id, doc) VALUES (?, ?, ?)
			ON CONFLICT (component_kind, component_id) DO UPDATE SET doc = excluded.doc`
		_, err := t.exec(query, scope.Kind, scope.ID, doc)
		return err
	}})
	if err != nil {
		return fmt.Errorf("put bindings: %w", err)
	}
	return nil
}
