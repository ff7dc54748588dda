package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/gorilla/mux"
	_ "modernc.org/sqlite" // the driver

	"github.com/snaphook-dev/snaphook/host"
)

// The limit: what a run costs when it is nothing but a form read, two rows
// written with synchronous=FULL in a group-committed transaction, and an answer.

// write is one run to be stored; done gets the commit's outcome.
type write struct {
	run, session string
	document     []byte
	done         chan error
}

// serveBaseline answers runs on a free port of the loopback until the process
// ends, and prints its address.
func serveBaseline(ctx context.Context, dir string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	db, err := openBaseline(ctx, filepath.Join(dir, "baseline.db"))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	writes := make(chan write, 1024)
	go commitGroups(context.WithoutCancel(ctx), db, writes)
	router := mux.NewRouter()
	router.HandleFunc("/agents/{id}/runs", func(w http.ResponseWriter, r *http.Request) {
		answerBaseline(w, r, writes)
	}).Methods(http.MethodPost)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: router, ReadHeaderTimeout: time.Minute}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func openBaseline(ctx context.Context, path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(ON)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, `CREATE TABLE runs (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, session_id TEXT, status TEXT, created_at INTEGER, document TEXT);
		CREATE INDEX runs_session ON runs (session_id, status, seq);
		CREATE TABLE sessions (id TEXT PRIMARY KEY, document TEXT, updated_at INTEGER)`)
	return db, err
}

func answerBaseline(w http.ResponseWriter, r *http.Request, writes chan<- write) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	run := map[string]any{
		"run_id": host.NewID(), "session_id": host.NewID(), "agent_id": mux.Vars(r)["id"],
		"status": "COMPLETED", "content": r.PostForm.Get("message"), "created_at": time.Now().Unix(),
		"input": map[string]any{"input_content": r.PostForm.Get("message")},
	}
	document, err := json.Marshal(run)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	done := make(chan error, 1)
	writes <- write{run: run["run_id"].(string), session: run["session_id"].(string), document: document, done: done}
	if err := <-done; err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document)
}

// commitGroups stores what waits in one transaction, again and again.
func commitGroups(ctx context.Context, db *sql.DB, writes <-chan write) {
	for first := range writes {
		group := []write{first}
		for len(group) < 256 && len(writes) > 0 {
			group = append(group, <-writes)
		}
		err := commitGroup(ctx, db, group)
		for _, w := range group {
			w.done <- err
		}
	}
}

func commitGroup(ctx context.Context, db *sql.DB, group []write) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, w := range group {
		now := time.Now().UnixMilli()
		if _, err := tx.ExecContext(ctx, `INSERT INTO runs (id, session_id, status, created_at, document) VALUES (?, ?, 'COMPLETED', ?, ?)`,
			w.run, w.session, now, w.document); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO sessions (id, document, updated_at) VALUES (?, '{}', ?)`, w.session, now); err != nil {
			return err
		}
	}
	return tx.Commit()
}
