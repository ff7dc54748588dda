package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/sqlite"
	"github.com/snaphook-dev/snaphook/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) host.Store {
		return openAt(t, filepath.Join(t.TempDir(), "test.db"))
	}, storetest.ManyNodes)
}

// openAt opens the store in a file until the test ends.
func openAt(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
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
