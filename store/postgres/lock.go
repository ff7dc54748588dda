package postgres

import (
	"context"
	"hash/fnv"
	"slices"
)

// lockName names an advisory lock. Others in the same database are as unlikely to
// mean the same as two names are to get one key.
type lockName string

const (
	migrationLock lockName = "migrations"
	queueLock     lockName = "queue"
)

func sessionLock(id string) lockName    { return lockName("session " + id) }
func runLock(id string) lockName        { return lockName("run " + id) }
func pluginLock(name string) lockName   { return lockName("plugin " + name) }
func attendanceLock(id string) lockName { return lockName("node " + id) }

func (l lockName) key() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("snaphook " + l)) // never fails
	return int64(h.Sum64())
}

// The queries that take locks until the transaction ends: those of a list in its
// order; one; and those of a session and of a run that is created in it.
const (
	lockQuery         = `SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key`
	lockOneQuery      = `SELECT pg_advisory_xact_lock($1)`
	lockCreationQuery = `SELECT pg_advisory_xact_lock($1), pg_advisory_xact_lock($2)`
)

// lock waits for locks and holds them until the transaction ends.
func (t *tx) lock(ctx context.Context, names ...lockName) error {
	_, err := t.Exec(ctx, lockQuery, keysOf(names))
	return err
}

func keysOf(names []lockName) []int64 {
	keys := make([]int64, len(names))
	for i, name := range names {
		keys[i] = name.key()
	}
	return keys
}

// inOrder returns the keys of locks of one kind in the order in which everybody
// takes them.
func inOrder(names []lockName) []int64 {
	keys := keysOf(names)
	slices.Sort(keys)
	return slices.Compact(keys)
}
