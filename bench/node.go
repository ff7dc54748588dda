package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
)

// nodeCount is how many processes share a database.
const nodeCount = 3

// slowModel answers after longer than anything here takes.
const (
	slowModel  = `{provider: openai, id: slow, offline: script, script: slow.yaml}`
	slowScript = `[{respond: {content: done}, delay: 1h}]`
)

// nodes measures what several host processes on one PostgreSQL do for each other:
// cancel runs, and go on with what a killed one did.
func (m *measurement) nodes(ctx context.Context) (err error) {
	c, err := openCluster(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	fmt.Printf("\n%-60s %10s %10s\n", fmt.Sprintf("%d hosts on one PostgreSQL", nodeCount), "p50", "most")
	for _, part := range []func(context.Context, *party) error{m.cancels, m.deafCancels, m.kills} {
		err := c.with(ctx, func(url string) error { return m.party(ctx, url, part) })
		if err != nil {
			return err
		}
	}
	return nil
}

// party are hosts that share a database.
type party struct {
	dir   string
	url   string
	store *postgres.Store // to look, beside the hosts
	db    *pgxpool.Pool   // for what no store tells
	http  *http.Client
	nodes []*node
	known []string // the ids of all nodes there have been
}

// node is one of the hosts.
type node struct {
	*server
	id string // as it owns runs
}

// party has use act on an empty party.
func (m *measurement) party(ctx context.Context, url string, use func(context.Context, *party) error) error {
	dir, err := m.folder()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "slow.yaml"), []byte(slowScript), 0o600); err != nil {
		return err
	}
	store, err := postgres.Open(ctx, postgres.Config{URL: url})
	if err != nil {
		return err
	}
	db, err := pgxpool.New(ctx, url)
	if err != nil {
		return errors.Join(err, store.Close())
	}
	p := &party{dir: dir, url: url, store: store, db: db, http: new(http.Client)}
	err = use(ctx, p)
	for _, n := range p.nodes { // the slow runs are not waited for
		err = errors.Join(err, n.kill())
	}
	db.Close()
	return errors.Join(err, store.Close())
}

// fill starts hosts until there are as many as there should be.
func (p *party) fill(ctx context.Context) error {
	for len(p.nodes) < nodeCount {
		s, err := startHost(ctx, p.dir, setup{store: p.url, model: slowModel})
		if err != nil {
			return err
		}
		n := &node{server: s}
		p.nodes = append(p.nodes, n)
		if n.id, err = p.newcomer(ctx); err != nil {
			return err
		}
		p.known = append(p.known, n.id)
	}
	return nil
}

// newcomer waits for the node that came last to show itself, and returns its id.
func (p *party) newcomer(ctx context.Context) (id string, err error) {
	err = await(ctx, func() (bool, error) {
		const query = `SELECT coalesce(max(id), '') FROM nodes WHERE attended AND id <> ALL(coalesce($1, '{}'::text[]))`
		err := p.db.QueryRow(ctx, query, p.known).Scan(&id)
		return id != "", err
	})
	return id, err
}

// launch starts a background run at a node and returns its id once it waits for
// the model, with the node that has it.
func (p *party) launch(ctx context.Context, at *node) (runID string, owner *node, err error) {
	body, err := at.server.launch().send(ctx, p.http)
	if err != nil {
		return "", nil, err
	}
	var accepted struct {
		RunID string `json:"run_id"`
	}
	if err := json.Unmarshal(body, &accepted); err != nil {
		return "", nil, err
	}
	if _, err := p.event(ctx, accepted.RunID, host.EventModelRequestStarted); err != nil {
		return "", nil, err
	}
	owner, err = p.owner(ctx, accepted.RunID)
	return accepted.RunID, owner, err
}

// owner is the node that carries out a run.
func (p *party) owner(ctx context.Context, runID string) (*node, error) {
	var id string
	if err := p.db.QueryRow(ctx, `SELECT owner FROM runs WHERE id = $1`, runID).Scan(&id); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(p.nodes, func(n *node) bool { return n.id == id })
	if i < 0 {
		return nil, fmt.Errorf("run %s is held by %q, which is no node", runID, id)
	}
	return p.nodes[i], nil
}

// other is a node that is not that one.
func (p *party) other(than *node) *node {
	return p.nodes[(slices.Index(p.nodes, than)+1)%len(p.nodes)]
}

// event waits until a run's stream has an event of the kind, and returns it.
func (p *party) event(ctx context.Context, runID string, kind host.EventKind) (found host.RunEvent, err error) {
	err = await(ctx, func() (bool, error) {
		events, err := p.store.RunEvents(ctx, runID, 0, 1000)
		i := slices.IndexFunc(events, func(e host.RunEvent) bool { return e.Kind == kind })
		if i >= 0 {
			found = events[i]
		}
		return i >= 0, err
	})
	return found, err
}

// ended waits until a run is stored as cancelled.
func (p *party) ended(ctx context.Context, runID string) error {
	return await(ctx, func() (bool, error) {
		run, err := p.store.Run(ctx, runID)
		if err == nil && run.Status.Final() && run.Status != host.RunCancelled {
			err = fmt.Errorf("run %s is %s, not cancelled", runID, run.Status)
		}
		return run.Status.Final(), err
	})
}

// patience bounds what is waited for in vain.
const patience = 30 * time.Second

// await looks every millisecond until it is so.
func await(ctx context.Context, so func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if is, err := so(); is || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited for %v in vain: %w", patience, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}
