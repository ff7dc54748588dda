package postgres_test

import (
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/postgres"
	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
	"github.com/snaphook-dev/snaphook/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) host.Store {
		return open(t, postgres.Config{URL: postgrestest.Database(t) + "&pool_max_conns=4"})
	})
}

// open opens a store until the test ends.
func open(t *testing.T, cfg postgres.Config) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
