package sqlite

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/store/row"
)

// TestOldCancelsGo: cancels of runs that never come do not pile up between sweeps.
func TestOldCancelsGo(t *testing.T) {
	t.Parallel()
	s, _ := openTest(t, time.Hour, nil)
	begin := time.Now()
	for id, at := range map[string]time.Time{"old": begin, "new": begin.Add(row.KeepCancel + time.Second)} {
		if err := s.CancelRun(t.Context(), id, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.CancelRun(t.Context(), "newer", begin.Add(row.KeepCancel+2*time.Second)); err != nil {
		t.Fatal(err)
	}
	kept, err := s.KeptCancels(t.Context(), []string{"old", "new", "newer"})
	if diff := cmp.Diff([]string{"new", "newer"}, kept); err != nil || diff != "" {
		t.Errorf("%v, kept (-want +got):\n%s", err, diff)
	}
}
