package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// renewQuery renews the lease of a node. Its clock and the database's may differ:
// by the latter it runs as long.
const renewQuery = `WITH renewed AS (
		INSERT INTO nodes (id, lease_until, expires_at, lock_key, attended)
		VALUES ($1, $2, clock_timestamp() + $3, $4, FALSE)
		ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until, expires_at = excluded.expires_at)
	SELECT id FROM runs
	WHERE owner = $1 AND owner <> '' AND status IN ('PENDING', 'RUNNING') AND cancel_requested`

// RenewLeases extends every lease of the owner and returns its runs that are to be
// cancelled. It also frees what a claim leased whose answer was lost.
func (s *Store) RenewLeases(ctx context.Context, lease host.Lease) ([]string, error) {
	if err := s.writer.flush(ctx); err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	// Bounded by what a lease can last by a clock that was set.
	left := max(min(lease.Until.Sub(s.now()), time.Hour), -time.Hour)
	cancelled, err := list(ctx, s, row.Value[string], renewQuery,
		lease.Owner, row.Nanos(lease.Until), left, attendanceLock(lease.Owner).key())
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	return cancelled, s.giveBackDoubted(ctx)
}
