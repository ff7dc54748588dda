package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// BenchmarkFinishRun stores runs of 4 KB with two background hook calls each,
// beside pipelined transactions of the same three rows into tables with no other
// indexes. calls=done starts and finishes the calls too, on 50 workers. The metric
// ratio is ours by plain, the median of alternating rounds; the target is 0.35 for
// eight clients with their calls done.
func BenchmarkFinishRun(b *testing.B) {
	server, err := postgrestest.New(b.Context(), postgrestest.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Close(); err != nil {
			b.Error(err)
		}
	})
	for _, clients := range []int{1, 8} {
		for _, done := range []bool{false, true} {
			b.Run(fmt.Sprintf("clients=%d/done=%t", clients, done), func(b *testing.B) {
				compare(b, clients, newOurs(b, server.Database(b), done), newPlain(b, server.Database(b)))
			})
		}
	}
}

// side stores one run; rest waits for what it left to do.
type side interface {
	finish(ctx context.Context) error
	rest()
}

// compare runs both sides in rounds and reports their rates.
func compare(b *testing.B, clients int, ours, plain side) {
	var ratios, oursRate, plainRate []float64
	for b.Loop() {
		p, o := rate(b, clients, plain), rate(b, clients, ours)
		ratios, oursRate, plainRate = append(ratios, o/p), append(oursRate, o), append(plainRate, p)
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(oursRate), "ours/s")
	b.ReportMetric(median(plainRate), "plain/s")
	b.ReportMetric(0, "ns/op")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// rate has the clients store runs and returns how many they stored in a second.
func rate(b *testing.B, clients int, s side) float64 {
	const each = 250
	var group sync.WaitGroup
	began := time.Now()
	for range clients {
		group.Go(func() {
			for range each {
				if err := s.finish(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	s.rest()
	return float64(clients*each) / time.Since(began).Seconds()
}

// ours is the store, with workers for the calls.
type ours struct {
	store *postgres.Store
	calls chan host.HookCall // nil when nobody makes them
	open  sync.WaitGroup
}

func newOurs(b *testing.B, url string, done bool) *ours {
	b.Helper()
	s, err := postgres.Open(b.Context(), postgres.Config{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	o := &ours{store: s}
	var workers sync.WaitGroup
	if done {
		o.calls = make(chan host.HookCall, 10_000)
		for range 50 {
			workers.Go(func() { o.work(b) })
		}
	}
	b.Cleanup(func() {
		if done {
			close(o.calls)
		}
		workers.Wait()
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return o
}

func (o *ours) rest() { o.open.Wait() }

func (o *ours) finish(ctx context.Context) error {
	id := host.NewID()
	run := host.Run{
		ID: id, RootID: id, SessionID: id, Status: host.RunRunning, Attempt: 1,
		Component: host.Component{Kind: host.KindAgent, ID: "agent"}, CreatedAt: time.Now(),
	}
	lease := host.Lease{Owner: "node", Until: time.Now().Add(time.Minute)}
	if err := o.store.CreateRun(ctx, host.NewRun{Run: run, Lease: lease}); err != nil {
		return err
	}
	run.Status, run.Content, run.FinishedAt = host.RunCompleted, host.TextContent(strings.Repeat("x", 3200)), time.Now()
	calls := []host.HookCall{queuedCall(&run, lease), queuedCall(&run, lease)}
	if err := o.store.FinishRun(ctx, host.Finish{Run: run, Calls: calls}); err != nil || o.calls == nil {
		return err
	}
	for _, call := range calls {
		o.open.Add(1)
		o.calls <- call
	}
	return nil
}

// work makes calls that take no time.
func (o *ours) work(b *testing.B) {
	ctx := context.WithoutCancel(b.Context())
	for call := range o.calls {
		if err := o.store.StartHookCall(ctx, call.ID, call.Attempt, time.Now()); err != nil {
			b.Error(err)
		}
		call.Status, call.FinishedAt = host.HookCallCompleted, time.Now()
		if err := o.store.FinishHookCall(ctx, call.Attempt, call); err != nil {
			b.Error(err)
		}
		o.open.Done()
	}
}

func queuedCall(run *host.Run, lease host.Lease) host.HookCall {
	return host.HookCall{
		ID: host.NewID(), RunID: run.ID, SessionID: run.SessionID, Component: run.Component,
		Plugin: "plugin", Version: "1.0.0", Digest: "sha256:00", Hook: "hook", Point: pluginapi.PointOutput,
		Mode: pluginapi.ModeBackground, Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 5,
		NextAttemptAt: run.FinishedAt, CreatedAt: run.FinishedAt, Owner: lease.Owner, LeaseUntil: lease.Until,
		Spec: &host.HookCallSpec{Export: "run", Config: json.RawMessage(`{"url":"http://localhost"}`)},
	}
}

// plain is what any program could do at best: three rows in one round trip.
type plain struct {
	pool *pgxpool.Pool
	run  string
	call string
}

func newPlain(b *testing.B, url string) *plain {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), url+"&pool_max_conns=20")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	const tables = `CREATE TABLE runs (id TEXT PRIMARY KEY, doc TEXT NOT NULL);
		CREATE TABLE calls (id TEXT PRIMARY KEY, run_id TEXT NOT NULL, doc TEXT NOT NULL)`
	if _, err := pool.Exec(b.Context(), tables); err != nil {
		b.Fatal(err)
	}
	return &plain{pool: pool, run: strings.Repeat("x", 3700), call: strings.Repeat("x", 600)}
}

func (p *plain) rest() {}

func (p *plain) finish(ctx context.Context) error {
	const call = `INSERT INTO calls (id, run_id, doc) VALUES ($1, $2, $3)`
	id := host.NewID()
	batch := &pgx.Batch{}
	batch.Queue(`BEGIN`)
	batch.Queue(`INSERT INTO runs (id, doc) VALUES ($1, $2)`, id, p.run)
	batch.Queue(call, host.NewID(), id, p.call)
	batch.Queue(call, host.NewID(), id, p.call)
	batch.Queue(`COMMIT`)
	return p.pool.SendBatch(ctx, batch).Close()
}
