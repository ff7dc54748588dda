package e2e

import (
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// defaultClusterRuns is how many runs TestKillCluster makes at least;
// SNAPHOOK_CLUSTER_RUNS overrides it. After every ten some hosts are killed.
const defaultClusterRuns = 40

// TestKillCluster is TestKill for three hosts on one PostgreSQL, which is
// restarted once, too.
func TestKillCluster(t *testing.T) {
	t.Parallel()
	runs := numberFrom(t, "SNAPHOOK_CLUSTER_RUNS", defaultClusterRuns, 900)
	kills := max(runs/10, 2)
	server := postgrestest.Start(t, postgrestest.Config{NoSync: true})
	k := newKilling(t, server.Database(t), 3, kills)
	k.prepare(t, kills)
	k.awaitBindings(t)
	stop := k.startClients(t, (*killClient).askLater, (*killClient).follow)
	for n := range kills {
		k.killAtRandom(t, 10)
		if n == kills/2 {
			if err := server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop()
	k.check(t)
}

// awaitBindings waits until every host has heard of the hooks.
func (k *killing) awaitBindings(t *testing.T) {
	t.Helper()
	for _, p := range k.nodes {
		eventually(t, "the hooks are known everywhere", func() bool {
			return strings.Contains(string(p.get(t, "/agents/slow/hooks").want(t, 200).body), `"pause"`)
		})
	}
}
