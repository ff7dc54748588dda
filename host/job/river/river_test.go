package river_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job/river"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// fixture is a database with River's tables, and who inserts.
type fixture struct {
	pool     *pgxpool.Pool
	inserter *river.Inserter
}

func newFixture(tb testing.TB) fixture {
	tb.Helper()
	return newFixtureOn(tb, postgrestest.Database(tb))
}

func newFixtureOn(tb testing.TB, url string) fixture {
	tb.Helper()
	pool, err := pgxpool.New(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(pool.Close)
	if err := river.Migrate(tb.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		tb.Fatal(err)
	}
	inserter, err := river.NewInserter(slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return fixture{pool: pool, inserter: inserter}
}

// insert adds jobs in one transaction.
func (f fixture) insert(tb testing.TB, jobs ...host.Job) {
	tb.Helper()
	err := pgx.BeginFunc(tb.Context(), f.pool, func(tx pgx.Tx) error {
		return f.inserter.Insert(tb.Context(), tx, jobs)
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// start runs a client; the returned function stops it and waits.
func (f fixture) start(tb testing.TB, node string, handler river.Handler, change func(*river.Config)) (stop func()) {
	tb.Helper()
	cfg := river.Config{Pool: f.pool, Node: node, Handler: handler, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	client, err := river.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	tb.Cleanup(stop)
	return stop
}

// state is what River's table says of a job.
func (f fixture) state(t *testing.T, id string) (state string, attempt int) {
	t.Helper()
	const query = `SELECT state, attempt FROM river_job WHERE args ->> 'id' = $1`
	if err := f.pool.QueryRow(t.Context(), query, id).Scan(&state, &attempt); err != nil {
		t.Fatal(err)
	}
	return state, attempt
}

// told sends on what a handler is told.
func told(to chan<- string) river.Handler {
	return river.Handler{
		Run: func(_ context.Context, id string) error {
			to <- "run " + id
			return nil
		},
		HookCall: func(_ context.Context, id, plugin string) (time.Duration, error) {
			to <- "hook call " + id + " of " + plugin
			return 0, nil
		},
	}
}

func TestNewChecksItsConfig(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	valid := river.Config{Pool: f.pool, Node: "n", Handler: told(nil), Log: slog.New(slog.DiscardHandler)}
	if _, err := river.New(valid); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*river.Config){
		"pool":    func(c *river.Config) { c.Pool = nil },
		"node":    func(c *river.Config) { c.Node = "" },
		"run":     func(c *river.Config) { c.Handler.Run = nil },
		"call":    func(c *river.Config) { c.Handler.HookCall = nil },
		"log":     func(c *river.Config) { c.Log = nil },
		"workers": func(c *river.Config) { c.HookWorkers = -1 },
		"stop":    func(c *river.Config) { c.SoftStop = -1 },
	} {
		cfg := valid
		change(&cfg)
		if _, err := river.New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestNodesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), postgrestest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var nodes sync.WaitGroup
	for range 2 {
		nodes.Go(func() {
			if err := river.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	if err := river.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

func TestInsertedJobsAreTold(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	got := make(chan string)
	f.start(t, "node", told(got), nil)
	f.insert(t, host.Job{Kind: host.JobRun, ID: "a"})
	if s := <-got; s != "run a" {
		t.Errorf("told of %q", s)
	}
	f.insert(t, host.Job{Kind: host.JobHookCall, ID: "b", Plugin: "p", At: time.Now().Add(-time.Hour)})
	if s := <-got; s != "hook call b of p" {
		t.Errorf("told of %q", s)
	}
}

func TestJobsOfARolledBackTransactionAreNot(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	refused := errors.New("refused")
	err := pgx.BeginFunc(t.Context(), f.pool, func(tx pgx.Tx) error {
		err := f.inserter.Insert(t.Context(), tx, []host.Job{{Kind: host.JobRun, ID: "gone"}})
		return errors.Join(err, refused)
	})
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	f.insert(t)
	f.insert(t, host.Job{Kind: host.JobRun, ID: "kept"})
	got := make(chan string)
	f.start(t, "node", told(got), nil)
	if s := <-got; s != "run kept" {
		t.Errorf("told of %q", s)
	}
	var rows int
	if err := f.pool.QueryRow(t.Context(), `SELECT count(*) FROM river_job`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d jobs, %v", rows, err)
	}
}

// Each of many transactions at once tells: one that did not would leave its job to
// be found by chance.
func TestEveryTransactionTells(t *testing.T) {
	t.Parallel()
	const transactions = 8
	f := newFixture(t)
	conn, err := f.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), `LISTEN "public.river_insert"`); err != nil {
		t.Fatal(err)
	}
	for i := range transactions {
		f.insert(t, host.Job{Kind: host.JobRun, ID: fmt.Sprint(i)})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i := range transactions {
		if _, err := conn.Conn().WaitForNotification(ctx); err != nil {
			t.Fatalf("%d of %d told: %v", i, transactions, err)
		}
	}
}

func TestInsertRefusesJobsNobodyCouldDo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, job := range []host.Job{
		{Kind: host.JobRun}, {Kind: "walk", ID: "a"}, {Kind: host.JobHookCall, ID: "a"}, {Kind: host.JobHookCall, Plugin: "p"},
	} {
		err := pgx.BeginFunc(t.Context(), f.pool, func(tx pgx.Tx) error {
			return f.inserter.Insert(t.Context(), tx, []host.Job{job})
		})
		if err == nil {
			t.Errorf("%+v: no error", job)
		}
	}
}

// What is due soon needs no scheduler; what is due late does not keep workers busy.
func TestJobsAreToldWhenDue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	at := time.Now().Add(time.Second)
	f.insert(t,
		host.Job{Kind: host.JobHookCall, ID: "soon", Plugin: "p", At: at},
		host.Job{Kind: host.JobHookCall, ID: "late", Plugin: "p", At: at.Add(time.Hour)})
	if state, _ := f.state(t, "soon"); state != "available" {
		t.Errorf("soon is %s", state)
	}
	if state, _ := f.state(t, "late"); state != "scheduled" {
		t.Errorf("late is %s", state)
	}
	got := make(chan string)
	f.start(t, "node", told(got), nil)
	if s := <-got; s != "hook call soon of p" || time.Now().Before(at) {
		t.Errorf("told of %q at %s, due at %s", s, time.Now(), at)
	}
}

func TestJobIsPutOffAndTriedAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var tries atomic.Int64
	done := make(chan struct{})
	f.start(t, "node", river.Handler{
		Run: func(context.Context, string) error { return nil },
		HookCall: func(context.Context, string, string) (time.Duration, error) {
			switch tries.Add(1) {
			case 1, 2:
				return time.Millisecond, nil
			case 3:
				return 0, errors.New("connection lost")
			case 4:
				panic("oh no")
			}
			close(done)
			return 0, nil
		},
	}, nil)
	f.insert(t, host.Job{Kind: host.JobHookCall, ID: "a", Plugin: "p"})
	<-done
	if _, attempt := f.state(t, "a"); attempt != 3 { // to be put off costs none
		t.Errorf("attempt %d", attempt)
	}
}

// Two nodes share the jobs: each is told of some, and no job is told twice.
func TestNodesShareJobs(t *testing.T) {
	t.Parallel()
	const jobs = 200
	f := newFixture(t)
	var met sync.WaitGroup
	met.Add(2)
	got := make(chan string)
	for _, node := range []string{"one", "two"} {
		first := sync.OnceFunc(func() {
			met.Done()
			met.Wait() // until the other node was told too
		})
		f.start(t, node, river.Handler{
			Run: func(_ context.Context, id string) error {
				first()
				got <- id
				return nil
			},
			HookCall: func(context.Context, string, string) (time.Duration, error) { return 0, nil },
		}, func(c *river.Config) { c.RunWorkers = 4 })
	}
	want := map[string]int{}
	var batch []host.Job
	for i := range jobs {
		id := fmt.Sprint(i)
		want[id] = 1
		batch = append(batch, host.Job{Kind: host.JobRun, ID: id})
	}
	f.insert(t, batch[:jobs/2]...)
	for _, job := range batch[jobs/2:] {
		f.insert(t, job)
	}
	times := map[string]int{}
	for range jobs {
		times[<-got]++
	}
	if diff := cmp.Diff(want, times); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

// What a stopping node did not finish is another's, without having cost anything.
func TestStoppedJobIsPutBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	begun := make(chan struct{}, 1)
	stop := f.start(t, "one", river.Handler{
		Run: func(ctx context.Context, _ string) error {
			begun <- struct{}{}
			<-ctx.Done()
			return ctx.Err()
		},
		HookCall: func(context.Context, string, string) (time.Duration, error) { return 0, nil },
	}, func(c *river.Config) { c.SoftStop = 50 * time.Millisecond })
	f.insert(t, host.Job{Kind: host.JobRun, ID: "a"})
	<-begun
	stop()
	if state, attempt := f.state(t, "a"); state != "available" || attempt != 0 {
		t.Errorf("job is %s after attempt %d", state, attempt)
	}
	got := make(chan string)
	f.start(t, "two", told(got), nil)
	if s := <-got; s != "run a" {
		t.Errorf("told of %q", s)
	}
}

// Jobs that run when the node is stopped may end.
func TestStopWaitsForJobs(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	begun, end := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client, err := river.New(river.Config{
		Pool: f.pool, Node: "node", Log: slog.New(slog.DiscardHandler),
		Handler: river.Handler{
			Run: func(ctx context.Context, _ string) error {
				close(begun)
				<-end
				return ctx.Err()
			},
			HookCall: func(context.Context, string, string) (time.Duration, error) { return 0, nil },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- client.Run(ctx) }()
	f.insert(t, host.Job{Kind: host.JobRun, ID: "a"})
	<-begun
	cancel()
	close(end)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if state, _ := f.state(t, "a"); state != "completed" {
		t.Errorf("job is %s", state)
	}
}

// Jobs go on when the database was away.
func TestDatabaseRestarts(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Config{})
	f := newFixtureOn(t, server.Database(t))
	got := make(chan string)
	f.start(t, "node", told(got), nil)
	f.insert(t, host.Job{Kind: host.JobRun, ID: "before"})
	<-got
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.pool.Reset()
	f.insert(t, host.Job{Kind: host.JobRun, ID: "after"})
	for s := range got { // the end of the first may have been lost
		if s == "run after" {
			break
		}
	}
}

func TestStopBeforeTheStart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	client, err := river.New(river.Config{Pool: f.pool, Node: "n", Handler: told(nil), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.Run(ctx); err != nil {
		t.Error(err)
	}
}

// A client that is started while the database is away starts when it is back.
func TestRunWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Config{})
	f := newFixtureOn(t, server.Database(t))
	f.insert(t, host.Job{Kind: host.JobRun, ID: "before"})
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	failed := make(chan struct{}, 1)
	got := make(chan string, 1)
	f.start(t, "node", told(got), func(c *river.Config) { c.Log = slog.New(tellingHandler{slog.DiscardHandler, failed}) })
	<-failed
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := <-got; s != "run before" {
		t.Errorf("told of %s", s)
	}
}

// tellingHandler tells of a message.
type tellingHandler struct {
	slog.Handler
	told chan<- struct{}
}

func (h tellingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h tellingHandler) Handle(context.Context, slog.Record) error {
	select {
	case h.told <- struct{}{}:
	default:
	}
	return nil
}

func TestMigrateTellsOfAMissingDatabase(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), "postgres:///none?host="+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := river.Migrate(t.Context(), pool, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("migrated without a database")
	}
}
