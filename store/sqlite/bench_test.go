package sqlite_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

// BenchmarkFinishRun stores runs of 4 KB with two background hook calls each,
// beside plain transactions of three prepared inserts into tables with no other
// indexes, on the same settings. The metric ratio is ours by plain, the median
// of alternating rounds; the targets are 0.7 for one client and 2 for eight.
func BenchmarkFinishRun(b *testing.B) {
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d/calls=queued", clients), func(b *testing.B) {
			compare(b, clients, newBench(b, false))
		})
		b.Run(fmt.Sprintf("clients=%d/calls=done", clients), func(b *testing.B) {
			compare(b, clients, newBench(b, true))
		})
	}
}

// compare runs both sides in rounds and reports their rates.
func compare(b *testing.B, clients int, ours *bench) {
	const perRound = 50
	plain := newPlain(b, ours)
	var ratios, oursRate, plainRate []float64
	for round := 0; b.Loop(); round++ {
		prefix := fmt.Sprint(round)
		p := rate(b, clients, perRound, "plain "+prefix, plain.finish)
		o := rate(b, clients, perRound, "ours "+prefix, ours.finish)
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

// rate has the clients finish n runs together and returns how many they
// finished in a second.
func rate(b *testing.B, clients, n int, prefix string, finish func(context.Context, string) error) float64 {
	var group sync.WaitGroup
	start := time.Now()
	for client := range clients {
		group.Go(func() {
			for i := range n {
				if err := finish(b.Context(), fmt.Sprintf("%s of %d %d", prefix, client, i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return float64(clients*n) / time.Since(start).Seconds()
}

// bench is the store's side.
type bench struct {
	store *sqlite.Store
	text  json.RawMessage
	done  chan host.HookCall // nil to leave calls queued
}

func newBench(b *testing.B, done bool) *bench {
	b.Helper()
	store, err := sqlite.Open(b.Context(), sqlite.Config{Path: filepath.Join(b.TempDir(), "ours.db")})
	if err != nil {
		b.Fatal(err)
	}
	s := &bench{store: store, text: host.TextContent(strings.Repeat("x", 3200))}
	var group sync.WaitGroup
	if done {
		s.done = make(chan host.HookCall, 50)
		for range 50 {
			group.Go(func() { s.work(b) })
		}
	}
	b.Cleanup(func() {
		if done {
			close(s.done)
		}
		group.Wait()
		if err := store.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// work finishes hook calls as a pool does.
func (s *bench) work(b *testing.B) {
	ctx := context.Background()
	for call := range s.done {
		if err := s.store.StartHookCall(ctx, call.ID, 1, time.Now()); err != nil {
			b.Error(err)
		}
		call.Status = host.HookCallCompleted
		if err := s.store.FinishHookCall(ctx, 1, call); err != nil {
			b.Error(err)
		}
	}
}

func (s *bench) finish(ctx context.Context, id string) error {
	run := host.Run{
		ID: id, RootID: id, SessionID: id, Status: host.RunRunning, Attempt: 1,
		Component: host.Component{Kind: host.KindAgent, ID: "agent"}, CreatedAt: time.Now(),
	}
	lease := host.Lease{Owner: "node", Until: time.Now().Add(time.Minute)}
	if err := s.store.CreateRun(ctx, host.NewRun{Run: run, Lease: lease}); err != nil {
		return err
	}
	run.Status, run.Content, run.FinishedAt = host.RunCompleted, s.text, time.Now()
	calls := []host.HookCall{s.call("a", &run, lease), s.call("b", &run, lease)}
	if err := s.store.FinishRun(ctx, host.Finish{Run: run, Calls: calls}); err != nil {
		return err
	}
	if s.done != nil {
		s.done <- calls[0]
		s.done <- calls[1]
	}
	return nil
}

func (s *bench) call(name string, run *host.Run, lease host.Lease) host.HookCall {
	return host.HookCall{
		ID: name + run.ID, RunID: run.ID, SessionID: run.SessionID, Component: run.Component,
		Plugin: "plugin", Version: "1.0.0", Digest: "sha256:00", Hook: name, Point: pluginapi.PointOutput,
		Mode: pluginapi.ModeBackground, Status: host.HookCallQueued, Attempt: 1, MaxAttempts: 5,
		NextAttemptAt: run.FinishedAt, CreatedAt: run.FinishedAt, Owner: lease.Owner, LeaseUntil: lease.Until,
		Spec: &host.HookCallSpec{Export: "run", Config: json.RawMessage(`{"url":"http://localhost"}`)},
	}
}

func document(b *testing.B, v any) string {
	b.Helper()
	doc, err := json.Marshal(v)
	if err != nil {
		b.Fatal(err)
	}
	return string(doc)
}

// plain is the other side: one connection, three prepared inserts.
type plain struct {
	db        *sql.DB
	run, call *sql.Stmt
	runDoc    string
	callDoc   string
}

// newPlain has documents of the size the store's have, encoded already.
func newPlain(b *testing.B, ours *bench) *plain {
	b.Helper()
	path := filepath.Join(b.TempDir(), "plain.db")
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16384)")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(b.Context(), `
		CREATE TABLE runs (id TEXT PRIMARY KEY, session_id TEXT, status TEXT, doc TEXT) STRICT;
		CREATE TABLE hook_calls (id TEXT PRIMARY KEY, run_id TEXT, status TEXT, doc TEXT) STRICT;`)
	if err != nil {
		b.Fatal(err)
	}
	run := host.Run{ID: strings.Repeat("i", 20), Content: ours.text, CreatedAt: time.Now(), FinishedAt: time.Now()}
	p := &plain{db: db, runDoc: document(b, run), callDoc: document(b, ours.call("a", &run, host.Lease{}))}
	if p.run, err = db.PrepareContext(b.Context(), `INSERT INTO runs VALUES (?, ?, ?, ?)`); err != nil {
		b.Fatal(err)
	}
	if p.call, err = db.PrepareContext(b.Context(), `INSERT INTO hook_calls VALUES (?, ?, ?, ?)`); err != nil {
		b.Fatal(err)
	}
	return p
}

func (p *plain) finish(ctx context.Context, id string) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	if _, err := tx.StmtContext(ctx, p.run).ExecContext(ctx, id, id, "COMPLETED", p.runDoc); err != nil {
		return err
	}
	for _, name := range []string{"a", "b"} {
		if _, err := tx.StmtContext(ctx, p.call).ExecContext(ctx, name+id, id, "queued", p.callDoc); err != nil {
			return err
		}
	}
	return tx.Commit()
}
