package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const (
	attendQuery = `INSERT INTO nodes (id, lease_until, expires_at, lock_key, attended)
		VALUES ($1, 0, clock_timestamp() + interval '10 seconds', $2, TRUE)
		ON CONFLICT (id) DO UPDATE SET attended = TRUE`
	attendanceQuery = `SELECT pg_advisory_lock($1)`
	// keepAlive has the server notice in about ten seconds that a node is gone which
	// could not say so.
	keepAlive = `SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3`
)

// Attend holds an advisory lock on a connection of its own until ctx ends: when
// the process dies the lock is gone at once, long before the lease is.
func (s *Store) Attend(ctx context.Context, node string) error {
	return s.dedicate(ctx, "attend", func(ctx context.Context, conn *pgx.Conn) error {
		key := attendanceLock(node).key()
		if _, err := conn.Exec(ctx, keepAlive); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, attendanceQuery, key); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, attendQuery, node, key); err != nil {
			return err
		}
		s.jury.came()
		defer s.jury.left()
		return watch(ctx, conn, func(string) {})
	})
}
