package postgres

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// finishRows is a host.Finish as it is stored.
type finishRows struct {
	run       runRow
	session   *host.Session
	before    []byte // the session's state as the run found it
	calls     callColumnsOf
	snapshots []host.Snapshot
	events    eventColumnsOf
	// due are the calls that nobody holds.
	due []host.Job
	// whole inserts a run that has no row.
	whole bool
	// handsOn is true when the session's next run may become due: it is told of.
	handsOn bool
	// tells has a signal tell of the calls that are due.
	tells bool
}

func newFinishRows(finish host.Finish) (*finishRows, error) {
	if !finish.Run.Status.Final() {
		return nil, fmt.Errorf("status %s is not final", finish.Run.Status)
	}
	run, err := newRunRow(&finish.Run, host.Lease{})
	if err != nil {
		return nil, err
	}
	f := &finishRows{run: run, session: finish.Session, before: finish.StateBefore, snapshots: finish.Snapshots}
	if err := f.events.add(finish.Events); err != nil {
		return nil, err
	}
	for _, call := range finish.Calls {
		row, err := newHookCallRow(call)
		if err != nil {
			return nil, err
		}
		f.calls.add(&row)
		if call.Owner == "" && !call.Status.Final() {
			f.due = append(f.due, host.Job{Kind: host.JobHookCall, ID: call.ID, At: call.NextAttemptAt})
		}
	}
	return f, nil
}

// finishQuery stores the end of a run with all that belongs to it, or nothing. It
// writes the run first: whether that is written decides about the rest. The row of
// the session is held before that, so that its state is still what was compared.
//
// $1 to $12 are the run, $13 to $24 the session, $25 to $31 what the run used, $32 to
// $34 say how to store it, $35 to $37 are the snapshots, $38 and $39 the events, and
// $40 to $61 the calls.
const finishQuery = `WITH
	stored AS (SELECT state FROM sessions WHERE id = $13 FOR NO KEY UPDATE),
	next AS (
		SELECT id, background AND owner = '' AS due FROM runs
		WHERE $3 = '' AND NOT $7 AND session_id = $2 AND turn IS NULL AND parent_id = '' AND NOT parallel AND id <> $1
		ORDER BY seq LIMIT 1),
	run AS (
		INSERT INTO runs (id, session_id, parent_id, component_kind, component_id, background, parallel, status, attempt,
			created_at, finished_at, doc, owner, lease_until, due_at, streamed, cancel_requested, turn)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', 0, 0, FALSE,
			EXISTS (SELECT FROM run_cancels WHERE run_id = $1),
			CASE WHEN $3 = '' THEN (SELECT coalesce(max(turn), 0) + 1 FROM runs WHERE session_id = $2 AND turn IS NOT NULL) END
		WHERE ($32 OR EXISTS (SELECT FROM runs WHERE id = $1))
			AND ($33 OR NOT EXISTS (SELECT FROM next WHERE due))
			AND ($8 = 'CANCELLED' OR NOT EXISTS (SELECT FROM run_cancels WHERE run_id = $1))
			AND NOT EXISTS (SELECT FROM stored WHERE state IS DISTINCT FROM $14)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, owner = '', lease_until = 0,
			finished_at = excluded.finished_at, streamed = runs.background, turn = excluded.turn, doc = excluded.doc
		WHERE runs.attempt = excluded.attempt AND runs.status NOT IN ('COMPLETED', 'CANCELLED', 'ERROR')
			AND (excluded.status = 'CANCELLED' OR NOT runs.cancel_requested)
		RETURNING id, session_id, background),
	session AS (
		INSERT INTO sessions (id, state, component_kind, component_id, component_name, user_id, name, title, metadata,
			created_at, updated_at)
		SELECT $13, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24 FROM run WHERE $13 IS NOT NULL
		ON CONFLICT (id) DO UPDATE SET state = excluded.state,
			metadata = coalesce(excluded.metadata, sessions.metadata),
			title = CASE WHEN sessions.title = '' THEN excluded.title ELSE sessions.title END,
			updated_at = greatest(sessions.updated_at, excluded.updated_at)),
	used AS (
		INSERT INTO session_usage AS u (session_id, model, provider,
			input_tokens, output_tokens, total_tokens, reasoning_tokens, cache_read_tokens)
		SELECT session_id, $25, $26, $27, $28, $29, $30, $31 FROM run
		WHERE $27::bigint | $28::bigint | $29::bigint | $30::bigint | $31::bigint <> 0
		ON CONFLICT (session_id, model, provider) DO UPDATE SET
			input_tokens = u.input_tokens + excluded.input_tokens,
			output_tokens = u.output_tokens + excluded.output_tokens,
			total_tokens = u.total_tokens + excluded.total_tokens,
			reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
			cache_read_tokens = u.cache_read_tokens + excluded.cache_read_tokens),
	kept AS (
		INSERT INTO snapshots (id, run_id, context)
		SELECT s.* FROM run, unnest($35::text[], $36::text[], $37::bytea[]) AS s),
	streamed AS (
		INSERT INTO run_events (run_id, idx, doc)
		SELECT run.id, e.* FROM run, unnest($38::int[], $39::bytea[]) AS e ON CONFLICT DO NOTHING),
	inputs AS (DELETE FROM run_inputs WHERE run_id IN (SELECT id FROM run WHERE background)),
	checkpoints AS (DELETE FROM run_checkpoints WHERE run_id IN (SELECT id FROM run WHERE background)),
	called AS (
		INSERT INTO hook_calls (` + insertedCallColumns + `)
		SELECT c.* FROM run, unnest(` + insertedCallArrays + `) AS c)
	SELECT EXISTS (SELECT FROM run), (SELECT id FROM next WHERE due),
		(SELECT pg_notify('` + channel + `', 'events:' || left(id, 1000))::text FROM run WHERE background),
		(SELECT pg_notify('` + channel + `', 'session:' || left(session_id, 1000))::text FROM run
			WHERE EXISTS (SELECT FROM next)),
		(SELECT pg_notify('` + channel + `', 'work:')::text FROM run
			WHERE $34 OR $33 AND EXISTS (SELECT FROM next WHERE due))`

// written is what came of finishQuery.
type written struct {
	done bool
	// next is the run that is due now, nil for none.
	next *string
}

func scanWritten(row scanner) (w written, err error) {
	var sent *string
	err = row.Scan(&w.done, &w.next, &sent, &sent, &sent)
	return w, err
}

// args are those of finishQuery.
func (f *finishRows) args() []any {
	run := f.run.run
	args := []any{
		run.ID, run.SessionID, run.ParentID, string(run.Component.Kind), run.Component.ID, run.Background, run.Parallel,
		string(run.Status), run.Attempt, nanos(run.CreatedAt), nanos(run.FinishedAt), f.run.doc,
	}
	args = append(args, f.sessionArgs()...)
	m := &run.Metrics
	args = append(args, run.Model, run.ModelProvider,
		m.InputTokens, m.OutputTokens, m.TotalTokens, m.ReasoningTokens, m.CacheReadTokens)
	args = append(args, f.whole, f.handsOn, f.tells)
	args = append(args, f.snapshotArgs()...)
	args = append(args, f.events.indexes, f.events.docs)
	return append(args, f.calls.args()...)
}

func (f *finishRows) sessionArgs() []any {
	s := f.session
	if s == nil {
		return make([]any, 12)
	}
	return []any{
		s.ID, []byte(f.before), []byte(s.State), string(s.Component.Kind), s.Component.ID, s.Component.Name,
		s.UserID, s.Name, text(s.Title), []byte(s.Metadata), nanos(s.CreatedAt), nanos(s.UpdatedAt),
	}
}

func (f *finishRows) snapshotArgs() []any {
	var (
		ids, runs []string
		contexts  [][]byte
	)
	for _, s := range f.snapshots {
		ids, runs, contexts = append(ids, s.ID), append(runs, s.RunID), append(contexts, blob(s.Context))
	}
	return []any{ids, runs, contexts}
}
