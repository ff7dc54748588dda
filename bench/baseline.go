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

// The limit: what a run costs when it is nothing but a form read, the rows of a run
// and its session written with synchronous=FULL in a group-committed transaction,
// and an answer.

// write is one run to be stored, with its document; done gets the commit's outcome.
type write struct {
	run      host.Run
	document []byte
	done     chan error
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
		CREATE TABLE sessions (id TEXT PRIMARY KEY, component_kind TEXT, component_id TEXT, component_name TEXT, user_id TEXT,
			name TEXT, title TEXT, state TEXT, metadata TEXT, created_at INTEGER, updated_at INTEGER)`)
	return db, err
}

func answerBaseline(w http.ResponseWriter, r *http.Request, writes chan<- write) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	run := baselineRun(mux.Vars(r)["id"], r.PostForm.Get("message"))
	document, err := json.Marshal(run)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	done := make(chan error, 1)
	writes <- write{run: run, document: document, done: done}
	if err := <-done; err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(document)
}

// baselineRun is the run that the host stores of an agent that repeats what it is
// told.
func baselineRun(agent, message string) host.Run {
	id, now, content := host.NewID(), time.Now(), host.TextContent(message)
	return host.Run{
		ID: id, RootID: id, SessionID: host.NewID(), Component: host.Component{Kind: host.KindAgent, ID: agent, Name: agent},
		Status: host.RunCompleted, Attempt: 1, Input: content, Content: content, ContentType: "str",
		Model: "echo", ModelProvider: "Snaphook", CreatedAt: now, FinishedAt: now,
		Messages: []host.Message{
			{ID: host.NewID(), Role: "user", Content: content, CreatedAt: now},
			{ID: host.NewID(), Role: "assistant", Content: content, CreatedAt: now},
		},
	}
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
			w.run.ID, w.run.SessionID, now, w.document); err != nil {
			return err
		}
		of := w.run.Component
		if _, err := tx.ExecContext(ctx, `INSERT INTO sessions VALUES (?, ?, ?, ?, '', '', ?, NULL, NULL, ?, ?)`,
			w.run.SessionID, of.Kind, of.ID, of.Name, host.SessionTitle(w.run.Input), now, now); err != nil {
			return err
		}
	}
	return tx.Commit()
}
