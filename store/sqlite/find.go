package sqlite

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
	q := newCallQuery(filter)
	calls, err := all(ctx, s.read, scanListedCall, q.page(), append(q.args, limit, offset)...)
	if err != nil {
		return host.HookCallPage{}, fmt.Errorf("find hook calls: %w", err)
	}
	total, err := one(ctx, s.read, row.Value[int], q.count(), append(q.args, host.MaxCounted)...)
	if err != nil {
		return host.HookCallPage{}, fmt.Errorf("count hook calls: %w", err)
	}
	return host.HookCallPage{Calls: calls, Total: total}, nil
}

// callQuery is a filter as SQL. There is one text for each set of fields: a
// statement is prepared once.
type callQuery struct {
	// arms are the parts of a union, each in the order of storing.
	arms  []string
	where []string
	args  []any
}

func newCallQuery(f host.HookCallFilter) *callQuery {
	q := &callQuery{}
	// What yields the calls of the first of these takes the argument ?1.
	q.equal("run_id", f.RunID)
	q.equal("session_id", f.SessionID)
	q.equal("status", string(f.Status))
	q.equal("plugin", f.Plugin)
	q.equal("hook", f.Hook)
	q.equal("mode", string(f.Mode))
	switch {
	case f.RunID != "":
		q.arm("NOT INDEXED", "seq IN ("+callsOfRun+")")
	case f.SessionID != "":
		q.arm("NOT INDEXED", "seq IN ("+callsOfSession+")")
	case f.Status == host.HookCallQueued:
		q.arm("NOT INDEXED", "seq IN ("+openCalls+" AND status = 'queued')")
	case f.Status == host.HookCallRunning:
		q.arm("NOT INDEXED", "seq IN ("+openCalls+" AND status = 'running')")
	case f.Status != "" && f.Status != host.HookCallCompleted:
		q.arm("INDEXED BY hook_calls_of_status", listedStatus)
	case f.Plugin != "" && f.Status == "":
		q.arm("NOT INDEXED", "seq IN ("+openCalls+" AND plugin = ?1)")
		fallthrough
	case f.Plugin != "":
		q.arm("INDEXED BY hook_calls_of_plugin", finalCall)
	default:
		// Completed calls are most calls: they are found as they lie.
		q.arm("NOT INDEXED", "TRUE")
	}
	return q
}

const (
	// openCalls yields the seqs of the calls that are not final, from an index alone.
	openCalls = `SELECT seq FROM hook_calls INDEXED BY hook_calls_open WHERE status IN ('queued', 'running')`
	// finalCall and listedStatus are what the other indexes ask for. They are no
	// lists: SQLite makes a table of a list of three for every row it stores.
	finalCall    = `status <> 'queued' AND status <> 'running'`
	listedStatus = finalCall + ` AND status <> 'completed'`
)

// equal adds a condition for all arms; an empty value is none.
func (q *callQuery) equal(column, value string) {
	if value != "" {
		q.args = append(q.args, value)
		q.where = append(q.where, fmt.Sprintf("%s = ?%d", column, len(q.args)))
	}
}

// arm adds a part that an index, or the seqs a condition yields, lead through.
func (q *callQuery) arm(index, condition string) {
	where := append(q.where[:len(q.where):len(q.where)], condition)
	q.arms = append(q.arms, " FROM hook_calls "+index+" WHERE "+strings.Join(where, " AND "))
}

// union selects from all arms.
func (q *callQuery) union(columns string) string {
	selects := make([]string, len(q.arms))
	for i, arm := range q.arms {
		selects[i] = "SELECT " + columns + arm
	}
	return strings.Join(selects, " UNION ALL ")
}

// page takes limit and offset after q.args.
func (q *callQuery) page() string {
	return q.union("seq AS stored, "+hookCallColumns) + " ORDER BY stored DESC LIMIT ? OFFSET ?"
}

// count takes a limit after q.args.
func (q *callQuery) count() string { return "SELECT count(*) FROM (" + q.union("1") + " LIMIT ?)" }

func scanListedCall(r row.Scanner) (host.HookCall, error) {
	var stored int64
	return scanHookCall(row.Leading(r, &stored))
}
