package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// doubtFor is how long a claim that failed is looked after: its commit may still be
// under way.
const doubtFor = 30 * time.Second

// doubtedClaim is a claim that failed for the claimer: by its lease the rows are
// known that it leased all the same.
type doubtedClaim struct {
	owner string
	until int64
}

// doubts are the claims whose answer was lost. What they lease nobody works for,
// and the owner lives. It is safe for concurrent use.
type doubts struct {
	mu     sync.Mutex
	claims map[doubtedClaim]time.Time // until when to look after them
}

// add takes note of a claim that failed with err, if it did.
func (d *doubts) add(lease host.Lease, err error) {
	if err == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claims == nil {
		d.claims = map[doubtedClaim]time.Time{}
	}
	d.claims[doubtedClaim{lease.Owner, row.Nanos(lease.Until)}] = time.Now().Add(doubtFor)
}

// list returns the claims to look after.
func (d *doubts) list() []doubtedClaim {
	d.mu.Lock()
	defer d.mu.Unlock()
	var claims []doubtedClaim
	for claim, until := range d.claims {
		if time.Now().After(until) {
			delete(d.claims, claim)
			continue
		}
		claims = append(claims, claim)
	}
	return claims
}

// giveBackDoubted frees what claims leased whose answer was lost.
func (s *Store) giveBackDoubted(ctx context.Context) error {
	const (
		runs = `UPDATE runs SET owner = '', lease_until = 0, due_at = $3
			WHERE owner = $1 AND lease_until = $2 AND background AND status IN ('PENDING', 'RUNNING') RETURNING id`
		calls = `UPDATE hook_calls SET status = 'queued', owner = '', lease_until = 0, next_attempt_at = $3
			WHERE owner = $1 AND lease_until = $2 AND status IN ('queued', 'running') RETURNING id, plugin`
	)
	for _, claim := range s.doubts.list() {
		given := 0
		err := s.transact(ctx, func(ctx context.Context, t *tx) error {
			args := []any{claim.owner, claim.until, row.Nanos(s.now())}
			n, err := requeue(ctx, t, scanRunJob, runs, args)
			if err != nil {
				return err
			}
			m, err := requeue(ctx, t, scanCallJob, calls, args)
			given = n + m
			return err
		})
		if err != nil {
			return fmt.Errorf("give back what nobody works for: %w", err)
		}
		if given > 0 {
			s.log.Warn("gave back what a claim leased whose answer was lost", "rows", given)
		}
	}
	return nil
}
