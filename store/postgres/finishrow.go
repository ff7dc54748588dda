package postgres

import (
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// finishRows is a host.Finish as it is stored.
type finishRows struct {
	run       runRow
	session   *host.Session
	before    []byte // the session's state as the run found it
	calls     []hookCallRow
	snapshots []host.Snapshot
	events    eventColumnsOf
	// due are the calls that nobody holds.
	due []host.Job
	// whole inserts a run that has no row.
	whole bool
	// thorough goes the longer way, which sees to all that the shorter one refuses.
	thorough bool
	signals  []host.Signal
}

func newFinishRows(finish host.Finish) (*finishRows, error) {
	if err := row.CheckFinish(&finish); err != nil {
		return nil, err
	}
	run, err := newRunRow(&finish.Run, host.Lease{})
	if err != nil {
		return nil, err
	}
	f := &finishRows{run: run, session: finish.Session, before: finish.StateBefore, snapshots: finish.Snapshots}
	if err := f.events.add(finish.Events); err != nil {
		return nil, err
	}
	if finish.Run.Background {
		f.signals = []host.Signal{{Kind: host.SignalEvents, ID: finish.Run.ID}}
	}
	for _, call := range finish.Calls {
		stored, err := newHookCallRow(call)
		if err != nil {
			return nil, err
		}
		f.calls = append(f.calls, stored)
		if call.Owner == "" && !call.Status.Final() {
			f.due = append(f.due, callJob(&call))
		}
	}
	return f, nil
}

// insertEndQuery and updateEndQuery write the end of a run that has no row, or one,
// or nothing, and note which for the statements that follow in the transaction.
const (
	insertEndQuery = insertEnd + nextTurn + `
		WHERE ` + mayEnd + ` AND ` + notCancelled + `
		ON CONFLICT DO NOTHING ` + noteEnd

	insertEnd = `INSERT INTO runs (id, session_id, parallel, status, finished_at, doc,
			background, component_kind, component_id, attempt, created_at,
			owner, lease_until, due_at, cancel_requested, turn)
		SELECT $1, $2, $3, $4, $5, $6, $10, $11, $12, $13, $14, '', 0, 0, FALSE, `

	// notCancelled fails when another end than this one was promised.
	notCancelled = `($4 = 'CANCELLED' OR NOT EXISTS (SELECT FROM run_cancels WHERE run_id = $1))`

	updateEndQuery = `UPDATE runs SET status = $4, finished_at = $5, doc = $6, turn = ` + nextTurn + `,
			owner = '', lease_until = 0
		WHERE id = $1 AND attempt = $10 AND ` + notEnded + `
			AND ($4 = 'CANCELLED' OR NOT cancel_requested) AND ` + mayEnd + ` ` + noteEnd

	noteEnd = `RETURNING set_config('snaphook.ended', id, TRUE)`

	nextTurn = `(SELECT coalesce(max(turn), 0) + 1 FROM runs WHERE session_id = $2 AND turn IS NOT NULL)`

	// mayEnd fails when the session's state is another, unless $9, and when a run
	// waits for this one, which the longer way has to see to.
	mayEnd = `($9 OR ` + sameState + ` AND ($3 OR NOT EXISTS (SELECT FROM runs AS a WHERE ` + waitedFor + `
			AND a.session_id = $2 AND a.id <> $1)))`

	sameState = `NOT EXISTS (SELECT FROM sessions WHERE id = $7 AND state IS DISTINCT FROM $8)`

	holdSessionQuery = `SELECT 1 FROM sessions WHERE id = $1 FOR NO KEY UPDATE`
)

// ended is true when the end of the run $1 was written in this transaction.
const ended = `current_setting('snaphook.ended', TRUE) = $1`

// What belongs to the end of the run $1.
const (
	addUsageQuery = `INSERT INTO session_usage AS u (session_id, model, provider,
			input_tokens, output_tokens, total_tokens, reasoning_tokens, cache_read_tokens)
		SELECT $2, $3, $4, $5, $6, $7, $8, $9 WHERE ` + ended + `
		ON CONFLICT (session_id, model, provider) DO UPDATE SET
			input_tokens = u.input_tokens + excluded.input_tokens,
			output_tokens = u.output_tokens + excluded.output_tokens,
			total_tokens = u.total_tokens + excluded.total_tokens,
			reasoning_tokens = u.reasoning_tokens + excluded.reasoning_tokens,
			cache_read_tokens = u.cache_read_tokens + excluded.cache_read_tokens`

	putSessionQuery = `INSERT INTO sessions AS s (id, component_kind, component_id, component_name, user_id, name, title,
			state, metadata, created_at, updated_at)
		SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 WHERE ` + ended + `
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, metadata = coalesce(excluded.metadata, s.metadata),
			title = CASE WHEN s.title = '' THEN excluded.title ELSE s.title END,
			updated_at = greatest(s.updated_at, excluded.updated_at)`

	insertCallQuery = `INSERT INTO hook_calls (id, run_id, session_id, plugin, digest, hook, mode, sequence, position,
			status, attempt, max_attempts, owner, lease_until, next_attempt_at, created_at, started_at, finished_at,
			logged, snapshot_id, spec, doc)
		SELECT $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23
		WHERE ` + ended

	insertSnapshotQuery = `INSERT INTO snapshots (id, run_id, context) SELECT $2, $3, $4 WHERE ` + ended

	insertEventsQuery = `INSERT INTO run_events (run_id, idx, doc)
		SELECT $1, e.* FROM unnest($2::int[], $3::bytea[]) AS e WHERE ` + ended + ` ON CONFLICT DO NOTHING`

	dropInputQuery      = `DELETE FROM run_inputs WHERE run_id = $1 AND ` + ended
	dropCheckpointQuery = `DELETE FROM run_checkpoints WHERE run_id = $1 AND ` + ended
	streamEndedQuery    = `INSERT INTO run_streams (run_id, finished_at) SELECT $1, $2 WHERE ` + ended

	tellQuery = `SELECT pg_notify('` + channel + `', $2) WHERE ` + ended
)

// queue adds the statements that store f, behind the locks they need.
func (f *finishRows) queue(b *pgx.Batch, done *bool) {
	run, m := f.run.run, &f.run.run.Metrics
	if f.whole || !run.TopLevel() {
		b.Queue(lockCreationQuery, sessionLock(run.SessionID).key(), runLock(run.ID).key())
	} else {
		b.Queue(lockOneQuery, sessionLock(run.SessionID).key())
	}
	if f.session != nil {
		b.Queue(holdSessionQuery, f.session.ID)
	}
	query, args := f.endQuery()
	b.Queue(query, args...).Exec(func(tag pgconn.CommandTag) error {
		*done = tag.RowsAffected() > 0
		return nil
	})
	if !run.TopLevel() {
		f.queueChild(b)
	}
	if row.UsedTokens(m) {
		b.Queue(addUsageQuery, run.ID, run.SessionID, run.Model, run.ModelProvider,
			m.InputTokens, m.OutputTokens, m.TotalTokens, m.ReasoningTokens, m.CacheReadTokens)
	}
	if f.session != nil {
		b.Queue(putSessionQuery, append([]any{run.ID}, sessionValues(f.session)...)...)
	}
	for i := range f.calls { // one by one: a list of few costs more
		b.Queue(insertCallQuery, append([]any{run.ID}, f.calls[i].values()...)...)
		for j := range f.calls[i].evaluations {
			b.Queue(insertEvaluationQuery+` WHERE `+ended, evaluationValues(&f.calls[i].evaluations[j])...)
		}
	}
	for _, snapshot := range f.snapshots {
		b.Queue(insertSnapshotQuery, run.ID, snapshot.ID, snapshot.RunID, row.Blob(snapshot.Context))
	}
	if run.Background {
		f.queueStream(b)
	}
	for _, payload := range payloads(f.signals) {
		b.Queue(tellQuery, run.ID, payload)
	}
}

// queueStream ends what only background runs have.
func (f *finishRows) queueStream(b *pgx.Batch) {
	run := f.run.run
	b.Queue(insertEventsQuery, run.ID, f.events.indexes, f.events.docs)
	b.Queue(streamEndedQuery, run.ID, row.Nanos(run.FinishedAt))
	b.Queue(dropInputQuery, run.ID)
	b.Queue(dropCheckpointQuery, run.ID)
}

// endQuery is the query that writes the run, with its arguments.
func (f *finishRows) endQuery() (string, []any) {
	run := f.run.run
	var session *string
	if f.session != nil {
		session = &f.session.ID
	}
	args := []any{
		run.ID, run.SessionID, run.Parallel, string(run.Status), row.Nanos(run.FinishedAt), f.run.doc,
		session, f.before, f.thorough,
	}
	if run.TopLevel() && !f.whole {
		return updateEndQuery, append(args, run.Attempt)
	}
	args = append(args, run.Background, string(run.Component.Kind), run.Component.ID, run.Attempt, row.Nanos(run.CreatedAt))
	if !run.TopLevel() {
		return insertChildQuery, append(args, run.RootID)
	}
	return insertEndQuery, args
}

// sessionValues are the columns of a session.
func sessionValues(s *host.Session) []any {
	return []any{
		s.ID, string(s.Component.Kind), s.Component.ID, s.Component.Name, s.UserID, s.Name, text(s.Title),
		[]byte(s.State), []byte(s.Metadata), row.Nanos(s.CreatedAt), row.Nanos(s.UpdatedAt),
	}
}
