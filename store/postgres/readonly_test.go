package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// TestServerThatCannotWriteForAWhile: a server that is read-only refuses nothing for
// good, and what nobody waits for is written afterwards.
func TestServerThatCannotWriteForAWhile(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Config{NoSync: true})
	s := open(t, postgres.Config{URL: server.Database(t)})
	before := newRun("before", "session")
	create(t, s, host.NewRun{Run: before, Lease: leaseOf("node"), Wait: true})

	setReadOnly(t, server, "on")
	await(t, func() bool { return s.CancelRun(t.Context(), "none", time.Now()) != nil })
	create(t, s, host.NewRun{Run: newRun("lazy", "other"), Lease: leaseOf("node")})
	for name, err := range map[string]error{
		"create": s.CreateRun(t.Context(), host.NewRun{Run: newRun("another", "another"), Wait: true}),
		"finish": s.FinishRun(t.Context(), host.Finish{Run: ended(before, host.RunCompleted)}),
		"cancel": s.CancelRun(t.Context(), "before", time.Now()),
	} {
		if host.CodeOf(err) != host.CodeUnavailable {
			t.Errorf("%s: %v, want %s", name, err, host.CodeUnavailable)
		}
	}

	setReadOnly(t, server, "off")
	await(t, func() bool {
		return s.FinishRun(t.Context(), host.Finish{Run: ended(before, host.RunCompleted)}) == nil
	})
	await(t, func() bool { // it was not refused meanwhile
		return s.CreateRun(t.Context(), host.NewRun{Run: newRun("last", "last"), Wait: true}) == nil
	})
	if _, err := s.Run(t.Context(), "lazy"); err != nil {
		t.Error(err)
	}
}

// setReadOnly says whether transactions may write.
func setReadOnly(t *testing.T, server *postgrestest.Server, value string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range []string{
		"ALTER SYSTEM SET default_transaction_read_only = " + value, "SELECT pg_reload_conf()",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}
