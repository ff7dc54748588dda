package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// maxClaimers is how many transactions lease single hook calls at once; what is to
// be claimed meanwhile goes along with the next.
const maxClaimers = 1

// callClaim leases a call that is due at now.
type callClaim struct {
	lease host.Lease
	now   time.Time
	// call is nil when it is not due, or held.
	call *host.HookCall
}

// claimer leases hook calls that are named one by one.
type claimer = gatherer[callClaim]

func newClaimer(pool *pgxpool.Pool) *claimer {
	return &claimer{
		most: maxClaimers,
		send: func(ctx context.Context, claims []*request[callClaim]) error { return claimCalls(ctx, pool, claims) },
	}
}

// ClaimHookCall leases one call; false when it is not due, or held.
func (s *Store) ClaimHookCall(
	ctx context.Context, lease host.Lease, now time.Time, id string,
) (host.HookCall, bool, error) {
	if ctx.Err() != nil {
		return host.HookCall{}, false, ctx.Err()
	}
	// Once begun the claim is seen through, as those of many calls are.
	claim, err := s.claimer.do(context.WithoutCancel(ctx), id, callClaim{lease: lease, now: now})
	s.doubts.add(lease, err)
	switch {
	case err != nil:
		return host.HookCall{}, false, fmt.Errorf("claim hook call: %w", err)
	case claim.call == nil:
		return host.HookCall{}, false, nil
	}
	return *claim.call, true, nil
}

// claimNamedQuery leases calls, each for its own claimer.
const claimNamedQuery = `UPDATE hook_calls SET owner = u.claimer, lease_until = u.until
	FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS u (name, claimer, until, now)
	WHERE id = u.name COLLATE "C" AND ` + notFinal + ` AND owner = '' AND next_attempt_at <= u.now
	RETURNING id, (SELECT s.context FROM snapshots AS s WHERE s.id = snapshot_id), ` + hookCallColumns

// claimCalls takes the rows in the order of their ids, as every claim of named calls
// does.
func claimCalls(ctx context.Context, pool *pgxpool.Pool, claims []*request[callClaim]) error {
	slices.SortFunc(claims, func(a, b *request[callClaim]) int { return cmp.Compare(a.key, b.key) })
	byID := map[string]*request[callClaim]{}
	var ids, owners []string
	var untils, nows []int64
	for _, c := range claims {
		byID[c.key], c.item.call, c.err = c, nil, nil
		ids, owners = append(ids, c.key), append(owners, c.item.lease.Owner)
		untils, nows = append(untils, row.Nanos(c.item.lease.Until)), append(nows, row.Nanos(c.item.now))
	}
	// A call that cannot be read fails alone: the others are leased.
	_, err := all(ctx, pool, func(r row.Scanner) (struct{}, error) {
		var id string
		var snapshot json.RawMessage
		call, err := scanHookCall(row.Leading(row.Leading(r, &id), &snapshot))
		call.Snapshot = snapshot
		if c := byID[id]; c != nil {
			c.item.call, c.err = &call, err
		}
		return struct{}{}, nil
	}, claimNamedQuery, ids, owners, untils, nows)
	return err
}
