package row_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// values is a row of a result.
type values []any

func (v values) Scan(dest ...any) error {
	if len(dest) != len(v) {
		return errors.New("another number of columns")
	}
	for i := range dest {
		into := reflect.ValueOf(dest[i]).Elem()
		into.Set(reflect.ValueOf(v[i]).Convert(into.Type()))
	}
	return nil
}

func TestLeading(t *testing.T) {
	t.Parallel()
	var n, m int
	text, err := row.Value[string](row.Leading(row.Leading(values{1, 2, "text"}, &n), &m))
	if err != nil || n != 1 || m != 2 || text != "text" {
		t.Errorf("columns %d, %d, %q, error %v", n, m, text, err)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	doc, err := row.Encode(json.RawMessage(`{"html":"<b>&"}`))
	if err != nil || string(doc) != `{"html":"<b>&"}` {
		t.Errorf("document %s, error %v", doc, err)
	}
	if doc, err = row.Encode(json.RawMessage(`{`)); err == nil {
		t.Errorf("%s is stored", doc)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{
		{}, time.Unix(0, 1).UTC(), time.Unix(-1, 0).UTC(), time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
	} {
		if got := row.Time(row.Nanos(at)); got != at {
			t.Errorf("%v came back as %v", at, got)
		}
	}
}

// TestRunFilterArgs: a time that no column holds chooses all runs, or none.
func TestRunFilterArgs(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 2)
	early, late := time.Date(1, 1, 1, 1, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		from, until         time.Time
		wantFrom, wantUntil int64
	}{
		{time.Time{}, time.Time{}, math.MinInt64, math.MaxInt64},
		{at, at, at.UnixNano(), at.UnixNano()},
		{early, late, math.MinInt64, math.MaxInt64},
		{late, early, math.MaxInt64, math.MinInt64},
	} {
		got := row.RunFilterArgs(host.RunFilter{
			SessionID: "session", CreatedFrom: test.from, CreatedUntil: test.until, Status: host.RunError,
			Component: host.BindingScope{Kind: host.KindTeam, ID: "team"},
		})
		want := []any{"session", test.wantFrom, test.wantUntil, "ERROR", "team", "team"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("from %v until %v (-want +got):\n%s", test.from, test.until, diff)
		}
	}
}

// TestSessionRuns: what has not ended stands behind the last turn, and once.
func TestSessionRuns(t *testing.T) {
	t.Parallel()
	turns := []row.Turn{{N: 3, Run: host.Run{ID: "a"}}, {N: 4, Run: host.Run{ID: "b"}}}
	for _, test := range []struct {
		limit, last int
		want        []string
	}{
		{2, 4, []string{"a", "b"}},
		{3, 0, []string{"a", "b", "c"}},
	} {
		page, last := row.SessionRuns([]host.Run{{ID: "b"}, {ID: "c"}}, turns, test.limit)
		var ids []string
		for _, run := range page {
			ids = append(ids, run.ID)
		}
		if diff := cmp.Diff(test.want, ids); diff != "" || last != test.last {
			t.Errorf("limit %d: last turn %d, runs (-want +got):\n%s", test.limit, last, diff)
		}
	}
	if page, last := row.SessionRuns(nil, nil, 0); len(page) > 0 || last != 0 {
		t.Errorf("%d runs of nothing, last turn %d", len(page), last)
	}
}

func TestCheckFinish(t *testing.T) {
	t.Parallel()
	ended := host.Run{ID: "run", Status: host.RunCompleted}
	for name, test := range map[string]struct {
		finish host.Finish
		valid  bool
	}{
		"an end":              {host.Finish{Run: ended, Calls: []host.HookCall{{RunID: "run"}}}, true},
		"no end":              {host.Finish{Run: host.Run{ID: "run", Status: host.RunRunning}}, false},
		"another run's calls": {host.Finish{Run: ended, Calls: []host.HookCall{{RunID: "run"}, {RunID: "other"}}}, false},
	} {
		if err := row.CheckFinish(&test.finish); (err == nil) != test.valid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	got, err := row.Migrations(fstest.MapFS{
		"migrations/0002_more.sql": file("more"), "migrations/0001_initial.sql": file("first"), "migrations/README": file(""),
	})
	want := []row.Migration{{Version: 1, Name: "0001_initial", SQL: "first"}, {Version: 2, Name: "0002_more", SQL: "more"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, steps (-want +got):\n%s", err, diff)
	}
	for _, name := range []string{"migrations/0002_gap.sql", "migrations/first.sql"} {
		if steps, err := row.Migrations(fstest.MapFS{name: file("")}); err == nil {
			t.Errorf("%s: steps %v", name, steps)
		}
	}
}
