package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/snaphook-dev/snaphook/store/row"
)

const (
	// settleTime is how long after the server started, or this node was cut off from
	// it, nobody is judged: the others may be on their way back too.
	settleTime = 10 * time.Second
	// absence is how long a node's lock must have been gone.
	absence = 500 * time.Millisecond
	// silence is how long a lease that is past must have stayed as it is. A node
	// renews it more often, so one that is past because a clock jumped is spared.
	silence = 3 * time.Second
)

// peer is another node as the database knows it.
type peer struct {
	id        string
	expiresAt time.Time
	expired   bool
	attended  bool // it has held its lock
	present   bool // it holds its lock
}

const peersQuery = `WITH held AS (
		SELECT classid::bigint << 32 | objid::bigint AS key FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 1 AND granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
	SELECT id, expires_at, expires_at < clock_timestamp(), attended, lock_key IN (SELECT key FROM held)
	FROM nodes WHERE id <> $1 AND clock_timestamp() - pg_postmaster_start_time() >= $2`

// deadNodes returns the nodes that are found dead now.
func (s *Store) deadNodes(ctx context.Context, self string) ([]string, error) {
	scan := func(r row.Scanner) (p peer, err error) {
		err = r.Scan(&p.id, &p.expiresAt, &p.expired, &p.attended, &p.present)
		return p, err
	}
	peers, err := list(ctx, s, scan, peersQuery, self, s.jury.settle)
	if err != nil {
		return nil, err
	}
	return s.jury.judge(peers, time.Now()), nil
}

// suspicion is what was first seen of a node, and when.
type suspicion struct {
	since     time.Time
	expiresAt time.Time
}

// jury decides which nodes are dead, by what it has seen of them. It is safe for
// concurrent use.
type jury struct {
	settle time.Duration

	mu       sync.Mutex
	attended bool // this node has been present
	present  bool
	since    time.Time // this node is back since then; zero when it never left
	absent   map[string]suspicion
	silent   map[string]suspicion
}

func newJury() *jury {
	return &jury{settle: settleTime, absent: map[string]suspicion{}, silent: map[string]suspicion{}}
}

// came and left say whether this node holds its lock.
func (j *jury) came() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.attended {
		j.since = time.Now()
	}
	j.attended, j.present = true, true
}

func (j *jury) left() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.present = false
}

// judge returns the ids of the dead: those without a lease or a lock, without a
// lock for some time, or without renewing a lease that is past.
func (j *jury) judge(peers []peer, now time.Time) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	dead := []string{}
	away := j.attended && !j.present || now.Sub(j.since) < j.settle
	for _, p := range peers {
		absent := j.suspect(j.absent, p, !away && p.attended && !p.present, now)
		silent := j.suspect(j.silent, p, !away && p.expired, now)
		if away {
			continue
		}
		if p.expired && !p.present || absent >= absence || silent >= silence {
			dead = append(dead, p.id)
		}
	}
	return dead
}

// suspect returns how long a node has been suspected, and still is.
func (j *jury) suspect(of map[string]suspicion, p peer, suspected bool, now time.Time) time.Duration {
	if !suspected {
		delete(of, p.id)
		return 0
	}
	first, known := of[p.id]
	if !known || !first.expiresAt.Equal(p.expiresAt) {
		first = suspicion{since: now, expiresAt: p.expiresAt}
		of[p.id] = first
	}
	return now.Sub(first.since)
}
