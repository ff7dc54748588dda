package sqlite

import (
	"context"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	renewRunsQuery  = `UPDATE runs SET lease_until = ? WHERE owner = ? AND status IN ('PENDING', 'RUNNING')`
	cancelledQuery  = `SELECT id FROM runs WHERE owner = ? AND status IN ('PENDING', 'RUNNING') AND cancel_requested`
	renewCallsQuery = `UPDATE hook_calls SET lease_until = ? WHERE owner = ? AND status IN ('queued', 'running')`
)

// RenewLeases extends every lease of the owner and returns its runs that are to be
// cancelled.
func (s *Store) RenewLeases(ctx context.Context, lease host.Lease) ([]string, error) {
	var cancelled []string
	err := s.writer.write(ctx, &op{do: func(t *tx) (err error) {
		until := row.Nanos(lease.Until)
		if _, err := t.exec(renewRunsQuery, until, lease.Owner); err != nil {
			return err
		}
		if _, err := t.exec(renewCallsQuery, until, lease.Owner); err != nil {
			return err
		}
		cancelled, err = queryTx(t, row.Value[string], cancelledQuery, lease.Owner)
		return err
	}})
	if err != nil {
		return nil, fmt.Errorf("renew leases: %w", err)
	}
	return cancelled, nil
}
