package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// plainSide is what the store is compared with: one connection, three prepared
// inserts into tables with no other indexes, of documents that are encoded
// already and as large as the store's.
type plainSide struct {
	db              *sql.DB
	run, call       *sql.Stmt
	runDoc, callDoc string
}

func openPlain(ctx context.Context, path string) (*plainSide, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(WAL)"+
		"&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-16384)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	p := &plainSide{db: db}
	runDoc, callDoc, err := storedDocuments()
	p.runDoc, p.callDoc = string(runDoc), string(callDoc)
	if err = errors.Join(err, p.prepare(ctx)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return p, nil
}

// storedDocuments are a run of 4 KB and one of its calls.
func storedDocuments() (run, call []byte, err error) {
	end := newStoredEnd(newStoredRun(), 1, host.Lease{})
	if run, err = json.Marshal(end.Run); err != nil {
		return nil, nil, err
	}
	call, err = json.Marshal(end.Calls[0])
	return run, call, err
}

func (p *plainSide) prepare(ctx context.Context) (err error) {
	if _, err = p.db.ExecContext(ctx, `
		CREATE TABLE runs (id TEXT PRIMARY KEY, session_id TEXT, status TEXT, doc TEXT) STRICT;
		CREATE TABLE hook_calls (id TEXT PRIMARY KEY, run_id TEXT, status TEXT, doc TEXT) STRICT;`); err != nil {
		return err
	}
	if p.run, err = p.db.PrepareContext(ctx, `INSERT INTO runs VALUES (?, ?, ?, ?)`); err != nil {
		return err
	}
	p.call, err = p.db.PrepareContext(ctx, `INSERT INTO hook_calls VALUES (?, ?, ?, ?)`)
	return err
}

// finish stores one run with two calls.
func (p *plainSide) finish(ctx context.Context) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after a commit
	id := host.NewID()
	if _, err := tx.StmtContext(ctx, p.run).ExecContext(ctx, id, id, "COMPLETED", p.runDoc); err != nil {
		return err
	}
	for range 2 {
		if _, err := tx.StmtContext(ctx, p.call).ExecContext(ctx, host.NewID(), id, "queued", p.callDoc); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// plainRate is how many plain transactions one client makes in a second.
func (m *measurement) plainRate(ctx context.Context) (float64, error) {
	dir, err := m.folder()
	if err != nil {
		return 0, err
	}
	p, err := openPlain(ctx, filepath.Join(dir, "plain.db"))
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	n, err := repeat(ctx, 1, m.span/3, p.finish)
	r := perSecond(n, begin)
	return r, errors.Join(err, p.db.Close(), os.RemoveAll(dir))
}
