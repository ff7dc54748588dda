package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// openTest opens a store that empties its write-ahead log after quiet.
func openTest(t *testing.T, quiet time.Duration, log *slog.Logger) (*Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := open(t.Context(), Config{Path: path, Log: log}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, path
}

// put is an op that stores a list of bindings under id, and a second one when
// it is told to fail half-way.
func put(id string, fail error) *op {
	return &op{do: func(t *tx) error {
		if _, err := t.exec(`INSERT INTO bindings VALUES ('agent', ?, '[]')`, id); err != nil {
			return err
		}
		return fail
	}}
}

// batch hands the ops in so that they meet in one transaction, and returns what
// each came to.
func batch(w *writer, ops ...*op) []error {
	gate, entered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	first := &op{done: make(chan error, 1), do: func(*tx) error {
		once.Do(func() { close(entered) })
		<-gate
		return nil
	}}
	errs := make([]error, len(ops))
	if err := w.queue.put(first); err != nil {
		return []error{err}
	}
	<-entered
	for i, o := range ops {
		o.done = make(chan error, 1)
		errs[i] = w.queue.put(o)
	}
	close(gate)
	for i, o := range ops {
		if errs[i] == nil {
			errs[i] = <-o.done
		}
	}
	return errs
}

func TestBatchFailsAlone(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	half, no := errors.New("half-way"), &op{do: func(*tx) error { return host.ErrStale }}
	errs := batch(s.writer, put("a", nil), put("b", half), no, put("a", nil), put("c", nil))
	for i, want := range []bool{false, true, true, true, false} {
		if got := errs[i] != nil; got != want {
			t.Errorf("op %d: error %v, want one: %t", i, errs[i], want)
		}
	}
	if !errors.Is(errs[1], half) || !errors.Is(errs[2], host.ErrStale) {
		t.Errorf("errors %v", errs)
	}
	lists, err := s.Bindings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) != 2 {
		t.Errorf("lists %v, want those of a and c", lists)
	}
}

// TestJoin has an op come while another is written: they share a transaction.
func TestJoin(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	var first, second *tx
	late := &op{done: make(chan error, 1), do: func(t *tx) error { second = t; return nil }}
	err := s.writer.write(t.Context(), &op{do: func(t *tx) error {
		first = t
		return s.writer.queue.put(late)
	}})
	if err := errors.Join(err, <-late.done); err != nil {
		t.Fatal(err)
	}
	if first != second {
		t.Error("the second op got a transaction of its own")
	}
}

// TestFullDisk fills the database: everybody gets an error, lazy writes wait,
// and all goes on when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	setPages(t, s, 1)
	run := host.Run{ID: "run", RootID: "run", SessionID: "session", Status: host.RunRunning, Attempt: 1}
	run.UserID = strings.Repeat("u", 100_000)
	if err := s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: host.Lease{Owner: "self"}}); err != nil {
		t.Fatal(err)
	}
	var ops []*op
	for i := range 3 {
		ops = append(ops, put(strings.Repeat(fmt.Sprint(i), 100_000), nil))
	}
	for i, err := range batch(s.writer, ops...) {
		if err == nil || !strings.Contains(err.Error(), "full") {
			t.Errorf("op %d: error %v, want that the database is full", i, err)
		}
	}
	end := run
	end.Status = host.RunCompleted
	if err := s.FinishRun(t.Context(), host.Finish{Run: end}); host.CodeOf(err) != host.CodeUnavailable {
		t.Errorf("a run finished without room: error %v, want CodeUnavailable", err)
	}
	if got, err := s.Run(t.Context(), "run"); err != nil || got.Status != host.RunRunning {
		t.Errorf("run %s, error %v, want it RUNNING", got.Status, err)
	}
	setPages(t, s, 1<<20)
	if err := s.FinishRun(t.Context(), host.Finish{Run: end}); err != nil {
		t.Error(err)
	}
	if got, err := s.Run(t.Context(), "run"); err != nil || got.Status != host.RunCompleted {
		t.Errorf("run %s, error %v, want it COMPLETED", got.Status, err)
	}
}

// setPages bounds the size of the database, but not below what it has.
func setPages(t *testing.T, s *Store, n int) {
	t.Helper()
	err := s.writer.write(t.Context(), &op{do: func(*tx) error {
		_, err := s.writer.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count = %d", n))
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAbandonedWrite(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := s.writer.write(ctx, &op{do: func(*tx) error {
		cancel()
		<-ctx.Done()
		return nil
	}})
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := s.PutBindings(ctx, host.HostWide, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v of a write that was given up before, want context.Canceled", err)
	}
}

// TestLazyPressure hands in more lazy writes than a stuck disk may pile up.
func TestLazyPressure(t *testing.T) {
	t.Parallel()
	q := newQueue()
	for range maxLazy {
		if err := q.put(&op{}); err != nil {
			t.Fatal(err)
		}
	}
	if code := host.CodeOf(q.put(&op{})); code != host.CodeUnavailable {
		t.Errorf("code %q for one too many, want unavailable", code)
	}
	if err := q.put(&op{done: make(chan error, 1)}); err != nil {
		t.Errorf("a waited op: %v", err)
	}
	if n := len(q.take()); n != maxLazy+1 {
		t.Errorf("took %d ops, want all", n)
	}
}

// TestTrailingLazyWrites stay behind the last op that somebody waits for, until
// nobody waits.
func TestTrailingLazyWrites(t *testing.T) {
	t.Parallel()
	q := newQueue()
	before, waited, behind := &op{}, &op{done: make(chan error, 1)}, &op{}
	for _, o := range []*op{before, waited, behind} {
		if err := q.put(o); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range [][]*op{{before, waited}, {behind}, nil} {
		if got := q.take(); !slices.Equal(got, want) {
			t.Errorf("took %d ops, want %d", len(got), len(want))
		}
	}
}

// logged closes a channel when a line of the log holds a text.
type logged struct {
	mu    sync.Mutex
	text  string
	found chan struct{}
}

func (l *logged) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text != "" && bytes.Contains(line, []byte(l.text)) {
		close(l.found)
		l.text = ""
	}
	return len(line), nil
}

// TestQuiet has a lazy write alone: it is written, and then the write-ahead log
// is emptied while the store is open.
func TestQuiet(t *testing.T) {
	t.Parallel()
	truncated := &logged{text: "write-ahead log truncated", found: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(truncated, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s, path := openTest(t, time.Millisecond, log)
	run := host.Run{ID: "run", RootID: "run", Status: host.RunRunning}
	if err := s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: host.Lease{Owner: "self"}}); err != nil {
		t.Fatal(err)
	}
	<-truncated.found
	runs, err := one(t.Context(), s.read, row.Value[int], "SELECT count(*) FROM runs")
	if err != nil || runs != 1 {
		t.Errorf("%d runs in the database, error %v", runs, err)
	}
	info, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() != 0 {
		t.Errorf("the write-ahead log has %d bytes", info.Size())
	}
	if err := s.writer.write(t.Context(), put("b", nil)); err != nil {
		t.Errorf("a write after it: %v", err)
	}
}

// TestPlans holds the queries that must not grow with the database to their
// indexes.
func TestPlans(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	for _, test := range []struct{ name, query, want string }{
		{"history", historyQuery, "runs_of_session (session_id=? AND turn>?)"},
		{"last turn", `SELECT ` + lastTurn, "runs_of_session (session_id=? AND turn>?)"},
		{"swept runs", sweptRunsQuery, "runs_unfinished (owner>?)"},
		{"renewed runs", renewRunsQuery, "runs_unfinished (owner=?)"},
		{"hook calls", hookCallsQuery, "c USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		{"claim", claimQuery, "hook_calls_open (owner=? AND plugin=? AND next_attempt_at<?)"},
		{"first plugin due", dueQuery, "hook_calls_open (owner=?)"},
		{"next plugin due", dueQuery, "hook_calls_open (owner=? AND plugin>?)"},
		{"due of a plugin", dueQuery, "hook_calls_open (owner=? AND plugin=?)"},
		{"backlog of calls", backlogCallsQuery, "COVERING INDEX hook_calls_open"},
		{"backlog of dead calls", backlogCallsQuery, "COVERING INDEX hook_calls_of_status (status=?)"},
		{"backlog of runs", backlogRunsQuery, "USING COVERING INDEX runs_background"},
		{"claimed runs", claimRunsQuery, "r USING INDEX runs_unfinished (owner=?)"},
		{"runs ahead of claimed ones", claimRunsQuery, "a USING INDEX runs_of_session (session_id=? AND turn=? AND status=?)"},
		{"claimed run", claimRunQuery, "r USING INDEX sqlite_autoindex_runs_1 (id=?)"},
		{"run ahead", aheadQuery, "a USING INDEX runs_of_session (session_id=? AND turn=? AND status=?)"},
		{"run waiting", waitingQuery, "a USING INDEX runs_of_session (session_id=? AND turn=? AND status=?)"},
		{"run of a key", keyQuery, "runs USING INDEX runs_of_key (idempotency_key=?)"},
		{"queued runs", queuedQuery, "COVERING INDEX runs_background (status=?)"},
		{"cancelled runs", cancelledQuery, "runs_unfinished (owner=?)"},
		{"requeued runs", requeueRunsQuery, "runs_unfinished (owner>?)"},
		{"kept cancels", keptCancelsQuery, "PRIMARY KEY (run_id=?)"},
		{"old cancels", expireCancelsQuery, "run_cancels_old (requested_at<?)"},
		{"events", eventsQuery, "PRIMARY KEY (run_id=? AND idx>?)"},
		{"next event", `SELECT ` + nextEvent, "PRIMARY KEY (run_id=?)"},
		{"what a writer remembers", memoryQuery, "COVERING INDEX runs_background (status=?)"},
		{"last place", lastPlaceQuery, "runs_unfinished"},
		{"old streams", streamedQuery, "runs_streamed (finished_at<?)"},
		{"aged calls", agedCallsQuery, "INTEGER PRIMARY KEY (rowid>?)"},
		{"aged runs", agedRunsQuery, "INTEGER PRIMARY KEY (rowid>?)"},
		{"aged logs", expireLogsQuery, "hook_calls_logged (finished_at<?)"},
		{"renewed calls", renewCallsQuery, "hook_calls_open (owner=?)"},
		{"spent calls", spentCallsQuery, "hook_calls_open (owner>?)"},
		{"requeued calls", requeueQuery, "hook_calls_open (owner>?)"},
	} {
		args := make([]any, 5) // as many as any of them takes; what is left over is ignored
		steps, err := all(t.Context(), s.read, scanPlan, "EXPLAIN QUERY PLAN "+test.query, args...)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		plan := strings.Join(steps, "; ")
		few := test.query == hookCallsQuery // of one run
		if !strings.Contains(plan, test.want) || strings.Contains(plan, "B-TREE FOR ORDER BY") != few {
			t.Errorf("%s: plan %q, want %q and no sorting", test.name, plan, test.want)
		}
	}
}

// TestPlansOfLists holds every filter to an index that yields the page in its
// order, or to the few of a run, a session or the queue.
func TestPlansOfLists(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	for _, test := range []struct {
		filter host.HookCallFilter
		want   string
	}{
		{host.HookCallFilter{}, "SCAN hook_calls"},
		{host.HookCallFilter{Hook: "h", Mode: "blocking", Status: host.HookCallCompleted}, "SCAN hook_calls"},
		{host.HookCallFilter{Plugin: "p", Status: host.HookCallDead}, "SEARCH hook_calls USING INDEX hook_calls_of_status (status=?)"},
		{host.HookCallFilter{Status: host.HookCallQueued}, bySeq + "SCAN hook_calls USING COVERING INDEX hook_calls_open"},
		{host.HookCallFilter{Plugin: "p", Hook: "h"}, "MERGE (UNION ALL); LEFT; " + bySeq +
			"SCAN hook_calls USING COVERING INDEX hook_calls_open; RIGHT; SEARCH hook_calls USING INDEX hook_calls_of_plugin (plugin=?)"},
		{host.HookCallFilter{Plugin: "p", Status: host.HookCallCompleted}, "SEARCH hook_calls USING INDEX hook_calls_of_plugin (plugin=?)"},
		{host.HookCallFilter{SessionID: "s", Status: host.HookCallDead}, bySeq +
			"SEARCH r USING COVERING INDEX runs_of_session (session_id=?); SEARCH c USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
		{host.HookCallFilter{RunID: "r", SessionID: "s"}, bySeq +
			"SEARCH r USING INDEX sqlite_autoindex_runs_1 (id=?); SEARCH c USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
	} {
		q := newCallQuery(test.filter)
		steps, err := all(t.Context(), s.read, scanPlan, `EXPLAIN QUERY PLAN `+q.page(), append(q.args, 1, 0)...)
		if err != nil {
			t.Errorf("%+v: %v", test.filter, err)
			continue
		}
		if plan := strings.Join(steps, "; "); plan != test.want {
			t.Errorf("%+v: plan %q, want %q", test.filter, plan, test.want)
		}
	}
}

// bySeq begins the plan of calls that are looked up by seqs, which are sorted.
const bySeq = "SEARCH hook_calls USING INTEGER PRIMARY KEY (rowid=?); LIST SUBQUERY 1; "

func scanPlan(r row.Scanner) (string, error) {
	var id, parent, unused int
	var detail string
	err := r.Scan(&id, &parent, &unused, &detail)
	return detail, err
}

// TestPatientWrites wait for company: an op that is in a hurry, or enough of
// their kind. Without either they are written all the same, also at close.
func TestPatientWrites(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	q := newQueue()
	for i := range maxPatient {
		if _, hurried, _ := q.state(); hurried {
			t.Fatalf("hurried with %d patient ops", i)
		}
		if err := q.put(&op{patient: true, done: make(chan error, 1)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, hurried, _ := q.state(); n != maxPatient || !hurried {
		t.Errorf("%d ops, hurried %t; want %d, in a hurry", n, hurried, maxPatient)
	}
	q.take()
	if n, hurried, _ := q.state(); n != 0 || hurried {
		t.Errorf("%d ops, hurried %t after they were taken", n, hurried)
	}
	if err := s.writer.writePatiently(t.Context(), put("a", nil)); err != nil {
		t.Error(err)
	}
	last := put("b", nil)
	last.patient, last.done = true, make(chan error, 1)
	if err := s.writer.queue.put(last); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-last.done; err != nil {
		t.Error(err)
	}
}
