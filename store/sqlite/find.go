package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// FindHookCalls returns the calls the filter chooses, those stored last first.
func (s *Store) FindHookCalls(
	ctx context.Context, filter host.HookCallFilter, offset, limit int,
) (host.HookCallPage, error) {
	if offset < 0 || limit < 0 {
		return host.HookCallPage{}, errors.New("find hook calls: offset and limit must not be negative")
	}
	chosen, args := chosenBy(filter)
	list := `SELECT ` + hookCallColumns + chosen + ` ORDER BY rowid DESC LIMIT ? OFFSET ?`
	calls, err := all(ctx, s.read, scanHookCall, list, append(args, limit, offset)...)
	if err != nil {
		return host.HookCallPage{}, fmt.Errorf("find hook calls: %w", err)
	}
	count := `SELECT count(*) FROM (SELECT 1` + chosen + ` LIMIT ?)`
	total, err := one(ctx, s.read, value[int], count, append(args, host.MaxCounted)...)
	if err != nil {
		return host.HookCallPage{}, fmt.Errorf("count hook calls: %w", err)
	}
	return host.HookCallPage{Calls: calls, Total: total}, nil
}

// chosenBy is the FROM and WHERE of a filter, with its arguments. There is one
// text for each set of fields: a statement is prepared once.
func chosenBy(f host.HookCallFilter) (clause string, args []any) {
	var where []string
	for _, c := range []struct {
		column string
		value  string
	}{
		{"run_id", f.RunID},
		{"session_id", f.SessionID},
		{"status", string(f.Status)},
		{"plugin", f.Plugin},
		{"hook", f.Hook},
		{"mode", string(f.Mode)},
	} {
		if c.value != "" {
			where, args = append(where, c.column+" = ?"), append(args, c.value)
		}
	}
	index, condition := indexFor(f)
	if condition != "" {
		where = append(where, condition)
	}
	clause = ` FROM hook_calls ` + index
	if len(where) > 0 {
		clause += ` WHERE ` + strings.Join(where, " AND ")
	}
	return clause, args
}

// indexFor names the index that leaves least to look through, and the condition
// it asks for. Completed calls are most calls, so they are found as they lie.
func indexFor(f host.HookCallFilter) (index, condition string) {
	switch {
	case f.RunID != "":
		return "INDEXED BY hook_calls_of_run", ""
	case f.SessionID != "":
		return "INDEXED BY hook_calls_of_session", ""
	case f.Status != "" && f.Status != host.HookCallCompleted:
		return "INDEXED BY hook_calls_of_status", "status <> 'completed'"
	case f.Plugin != "":
		return "INDEXED BY hook_calls_of_plugin", ""
	}
	return "NOT INDEXED", ""
}
