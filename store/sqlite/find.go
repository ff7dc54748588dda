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
	list := `SELECT ` + hookCallColumns + chosen + ` ORDER BY seq DESC LIMIT ? OFFSET ?`
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
	session := "seq IN (" + callsOfSession + ")"
	if f.RunID != "" {
		session = "session_id = ?"
	}
	for _, c := range []struct {
		condition string
		value     string
	}{
		{"seq IN (" + callsOfRun + ")", f.RunID},
		{session, f.SessionID},
		{"status = ?", string(f.Status)},
		{"plugin = ?", f.Plugin},
		{"hook = ?", f.Hook},
		{"mode = ?", string(f.Mode)},
	} {
		if c.value != "" {
			where, args = append(where, c.condition), append(args, c.value)
		}
	}
	index, condition := indexFor(f)
	where = append(where, condition)
	return ` FROM hook_calls ` + index + ` WHERE ` + strings.Join(where, " AND "), args
}

// openCalls yields the seqs of the calls that are not final, from the index alone:
// the calls of one status then lie in the order of storing.
const openCalls = `SELECT seq FROM hook_calls INDEXED BY hook_calls_open WHERE status IN ('queued', 'running')`

// listedStatus is what hook_calls_of_status asks for: a short list, since SQLite
// would make a table of a longer one for every row it stores.
const listedStatus = `status <> 'completed' AND status <> 'queued' AND status <> 'running'`

// indexFor names the index that leaves least to look through, and the condition
// it asks for. Completed calls are most calls, so they are found as they lie.
func indexFor(f host.HookCallFilter) (index, condition string) {
	switch {
	case f.RunID != "", f.SessionID != "":
		return "NOT INDEXED", "TRUE"
	case f.Status == host.HookCallQueued:
		return "NOT INDEXED", "seq IN (" + openCalls + " AND status = 'queued')"
	case f.Status == host.HookCallRunning:
		return "NOT INDEXED", "seq IN (" + openCalls + " AND status = 'running')"
	case f.Status != "" && f.Status != host.HookCallCompleted:
		return "INDEXED BY hook_calls_of_status", listedStatus
	case f.Plugin != "":
		return "INDEXED BY hook_calls_of_plugin", "TRUE"
	}
	return "NOT INDEXED", "TRUE"
}
