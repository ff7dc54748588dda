package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// FindHookCalls returns the calls the filter chooses, those stored last first.
func (s *Store) FindHookCalls(
	ctx context.Context, filter host.HookCallFilter, offset, limit int,
) (host.HookCallPage, error) {
	if offset < 0 || limit < 0 {
		return host.HookCallPage{}, errors.New("find hook calls: offset and limit must not be negative")
	}
	chosen, args := chosenBy(filter)
	n := len(args)
	query := fmt.Sprintf(`SELECT %s%s ORDER BY seq DESC LIMIT $%d OFFSET $%d`, hookCallColumns, chosen, n+1, n+2)
	calls, err := list(ctx, s, scanHookCall, query, append(args, limit, offset)...)
	if err != nil {
		return host.HookCallPage{}, fmt.Errorf("find hook calls: %w", err)
	}
	count := fmt.Sprintf(`SELECT count(*) FROM (SELECT 1%s LIMIT $%d) AS counted`, chosen, n+1)
	total, err := get(ctx, s, row.Value[int], count, append(args[:n:n], host.MaxCounted)...)
	if err != nil {
		return host.HookCallPage{}, fmt.Errorf("count hook calls: %w", err)
	}
	return host.HookCallPage{Calls: calls, Total: total}, nil
}

// chosenBy is the FROM and WHERE of a filter, with its arguments. There is one
// text for each set of fields: a statement is prepared once. The field that leaves
// least leads along its index, which is hidden for the others.
func chosenBy(f host.HookCallFilter) (clause string, args []any) {
	where := []string{"TRUE"}
	led := false
	for _, c := range []struct {
		column string
		value  string
		leads  bool
	}{
		{"run_id", f.RunID, true},
		{"session_id", f.SessionID, true},
		{"status", string(f.Status), f.Status != host.HookCallCompleted}, // which most calls are
		{"plugin", f.Plugin, true},
		{"hook", f.Hook, false},
		{"mode", string(f.Mode), false},
	} {
		if c.value == "" {
			continue
		}
		if led || !c.leads {
			c.column += " || ''"
		}
		led = led || c.leads
		args = append(args, c.value)
		where = append(where, fmt.Sprintf("%s = $%d", c.column, len(args)))
	}
	return ` FROM hook_calls WHERE ` + strings.Join(where, " AND "), args
}
