package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// TestOlderSessionsAreListed: sessions of a database from before they were
// listed get their titles and their sums.
func TestOlderSessionsAreListed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "old.db")
	migrateTo(t, path, 4,
		`INSERT INTO sessions VALUES ('text', 'agent', 'a', 'A', 'u', '', NULL, NULL, 1, 2)`,
		`INSERT INTO sessions VALUES ('object', 'agent', 'a', 'A', 'u', '', NULL, NULL, 1, 2)`,
		`INSERT INTO sessions VALUES ('none', 'agent', 'a', 'A', 'u', '', NULL, NULL, 1, 2)`,
		oldRun("1", "text", 1, `{"input":"hello","model":"m","model_provider":"P","metrics":{"input_tokens":2,"total_tokens":2}}`),
		oldRun("2", "text", 2, `{"input":"again","model":"m","model_provider":"P","metrics":{"total_tokens":3}}`),
		oldRun("3", "object", 1, `{"input":{"a":1},"metrics":{}}`),
	)
	s, err := open(t.Context(), Config{Path: path}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	sessions, _, err := s.Sessions(t.Context(), host.SessionFilter{Ascending: true, Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, session := range sessions {
		got[session.ID] = session.Title
	}
	want := map[string]string{"text": "hello", "object": `{"a":1}`, "none": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("titles (-want +got):\n%s", diff)
	}
	usage, err := s.SessionUsage(t.Context(), "text", "object", "none")
	if err != nil {
		t.Fatal(err)
	}
	wantUsage := map[string][]host.ModelUsage{
		"text": {{Model: "m", Provider: "P", Metrics: host.Metrics{InputTokens: 2, TotalTokens: 5}}},
	}
	if diff := cmp.Diff(wantUsage, usage); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
}

// migrateTo makes a database of an older version of the schema, with rows.
func migrateTo(t *testing.T, path string, version int, rows ...string) {
	t.Helper()
	path, err := createFile(path)
	if err != nil {
		t.Fatal(err)
	}
	db, err := connect(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.close() }()
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := schemaVersion(t.Context(), db.write); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps[:version] {
		if err := step.apply(t.Context(), db.write, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range rows {
		if _, err := db.write.ExecContext(t.Context(), row); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
	}
}

// oldRun inserts a completed run.
func oldRun(id, session string, turn int, doc string) string {
	return fmt.Sprintf(`INSERT INTO runs
			(id, session_id, parent_id, background, status, attempt, owner, lease_until, turn, created_at, doc)
		VALUES ('%s', '%s', '', 0, 'COMPLETED', 1, '', 0, %d, 1, '%s')`, id, session, turn, doc)
}
