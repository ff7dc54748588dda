package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// cluster is a PostgreSQL of this measurement's own, with its default settings:
// what is committed has reached the disk.
type cluster struct {
	server    *postgrestest.Server
	databases atomic.Int64
}

func openCluster(ctx context.Context) (*cluster, error) {
	server, err := postgrestest.New(ctx, postgrestest.Config{})
	if err != nil {
		return nil, err
	}
	return &cluster{server: server}, nil
}

func (c *cluster) close() error { return c.server.Close() }

// with gives use an empty database.
func (c *cluster) with(ctx context.Context, use func(url string) error) error {
	name := fmt.Sprintf("bench_%d", c.databases.Add(1))
	url, err := c.server.CreateDatabase(ctx, name)
	if err != nil {
		return err
	}
	return errors.Join(use(url), c.server.DropDatabase(ctx, name))
}

// postgres measures hook calls on PostgreSQL: those a node hands to its own pool,
// and those that River moves between nodes.
func (m *measurement) postgres(ctx context.Context) (err error) {
	c, err := openCluster(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := m.pools(ctx, c); err != nil {
		return fmt.Errorf("pool: %w", err)
	}
	if err := m.queues(ctx, c); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}
