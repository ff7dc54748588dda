package row_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

var errBroken = errors.New("broken")

// TestExpire: a zero time keeps its kind, and what was deleted before a failure is
// counted.
func TestExpire(t *testing.T) {
	t.Parallel()
	delete := func(n int, err error) func(context.Context, time.Time) (int, error) {
		return func(context.Context, time.Time) (int, error) { return n, err }
	}
	e := row.Expiry{Runs: delete(1, nil), HookCalls: delete(2, nil), Logs: delete(3, errBroken), Events: delete(4, nil)}
	now := time.Now()
	for _, test := range []struct {
		before host.Retention
		want   host.Expired
		err    string
	}{
		{host.Retention{Runs: now, Events: now}, host.Expired{Runs: 1}, ""},
		{host.Retention{HookCalls: now, Logs: now}, host.Expired{HookCalls: 2, Logs: 3}, "expire logs: broken"},
	} {
		got, err := e.Expire(t.Context(), test.before)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.before, diff)
		}
		if test.err == "" && err != nil || test.err != "" && (err == nil || err.Error() != test.err) {
			t.Errorf("%v: error %v, want %q", test.before, err, test.err)
		}
	}
}

// TestDropOld: the walk goes from page to page and ends at the first row that is
// young; what is not over stays.
func TestDropOld(t *testing.T) {
	t.Parallel()
	const size = 2
	rows := []row.Aged{
		agedCall(t, 1, "done", host.HookCallCompleted, 1, 2),
		agedCall(t, 2, "queued", host.HookCallQueued, 1, 0),
		agedCall(t, 3, "dead", host.HookCallDead, 2, 4),
		agedCall(t, 4, "late", host.HookCallCompleted, 3, 9),
		agedCall(t, 5, "young", host.HookCallCompleted, 5, 1),
		agedCall(t, 6, "never read", host.HookCallCompleted, 1, 1),
	}
	read := func(behind int64) ([]row.Aged, error) {
		return rows[behind:min(int(behind)+size, len(rows))], nil
	}
	var dropped []string
	total, err := row.DropOld(time.Unix(5, 0), size, read, func(ids []string) (int, error) {
		dropped = append(dropped, ids...)
		return len(ids), nil
	})
	if want := []string{"done", "dead"}; total != 2 || err != nil || !slices.Equal(dropped, want) {
		t.Errorf("dropped %q, %d in all, error %v; want %q", dropped, total, err, want)
	}
	total, err = row.DropOld(time.Unix(5, 0), size, read, func([]string) (int, error) { return 1, errBroken })
	if total != 1 || !errors.Is(err, errBroken) {
		t.Errorf("dropped %d, error %v", total, err)
	}
}

func agedCall(t *testing.T, place int64, id string, status host.HookCallStatus, created, finished int64) row.Aged {
	t.Helper()
	a, err := row.ScanAgedCall(values{place, id, status, created * 1e9, finished * 1e9})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestInBatches(t *testing.T) {
	t.Parallel()
	left := 7
	total, err := row.InBatches(3, func() (int, error) {
		n := min(left, 3)
		left -= n
		return n, nil
	})
	if total != 7 || err != nil {
		t.Errorf("did %d, error %v", total, err)
	}
}

func TestUpTo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit, there, want int
		asked              []int
	}{
		{limit: 7, there: 9, want: 7, asked: []int{3, 3, 1}},
		{limit: 7, there: 4, want: 4, asked: []int{3, 3, 3}},
		{limit: 0, there: 4, want: 0},
	} {
		left := test.there
		var asked []int
		total, err := row.UpTo(test.limit, 3, func(n int) (int, error) {
			asked = append(asked, n)
			did := min(n, left)
			left -= did
			return did, nil
		})
		if total != test.want || err != nil || !slices.Equal(asked, test.asked) {
			t.Errorf("limit %d of %d: did %d, error %v, asked for %v", test.limit, test.there, total, err, asked)
		}
	}
}
