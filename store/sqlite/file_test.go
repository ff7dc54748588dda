package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/sqlite"
)

func TestOpenLocked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "test.db")
	first, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, link} {
		_, err := sqlite.Open(t.Context(), sqlite.Config{Path: name})
		if !errors.Is(err, sqlite.ErrLocked) || !strings.Contains(err.Error(), path+".lock") {
			t.Errorf("open %s: error %v, want ErrLocked that names the lock", name, err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openAt(t, link)
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, bytes.Repeat([]byte("not a database\n"), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	makeNewer(t, newer)
	for _, test := range []struct{ name, path, want string }{
		{"no path", "", "path is missing"},
		{"no folder", filepath.Join(dir, "none", "test.db"), "no such file or directory"},
		{"a folder", dir, "is a directory"},
		{"no database", text, "not a database"},
		{"newer schema", newer, "schema version 1000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, err := sqlite.Open(t.Context(), sqlite.Config{Path: test.path})
			if err == nil {
				t.Fatalf("opened (close: %v)", s.Close())
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("error %q, want %q and the path", err, test.want)
			}
		})
	}
}

// makeNewer makes a database of a program to come.
func makeNewer(t *testing.T, path string) {
	t.Helper()
	if err := openAndClose(t, path); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), "INSERT INTO schema_migrations VALUES (1000, '1000_future', 0)")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func openAndClose(t *testing.T, path string) error {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

func TestOpenOddPath(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a b?c#d%41&e.db")
	if err := openAndClose(t, path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() == 0 || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %d bytes and mode %v, want a database only its owner reads", info.Size(), info.Mode())
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	first, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	run := host.Run{ID: "lazy", RootID: "lazy", SessionID: "session", Status: host.RunRunning, Attempt: 1}
	if err := first.CreateRun(t.Context(), host.NewRun{Run: run, Lease: host.Lease{Owner: "self"}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if code := host.CodeOf(first.PutBindings(t.Context(), host.HostWide, nil)); code != host.CodeUnavailable {
		t.Errorf("a write after Close has code %q, want unavailable", code)
	}
	if got, err := openAt(t, path).Run(t.Context(), "lazy"); err != nil || got.Status != host.RunRunning {
		t.Errorf("run %+v, error %v: Close did not write what was handed in", got, err)
	}
}

// TestCloseWritesWhatWasReplaced has the finish that made a creation needless
// refused while the store closes.
func TestCloseWritesWhatWasReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	must(t, err)
	run := host.Run{ID: "run", RootID: "run", Status: host.RunRunning, Attempt: 1}
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: run, Lease: host.Lease{Owner: "self"}}))
	end := host.Finish{Run: run}
	end.Run.Status, end.Run.Attempt = host.RunCompleted, 2
	if err := s.FinishRun(t.Context(), end); !errors.Is(err, host.ErrStale) {
		t.Errorf("error %v, want ErrStale", err)
	}
	must(t, s.Close())
	if _, err := openAt(t, path).Run(t.Context(), "run"); err != nil {
		t.Error(err)
	}
}

// TestDeletedLeavesTheFile looks for the text of a snapshot in every file.
func TestDeletedLeavesTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "test.db")
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	secret := strings.Repeat("078-05-1120 ", 2000)
	run := host.Run{ID: "run", RootID: "run", SessionID: "session", Status: host.RunRunning, Attempt: 1}
	call := host.HookCall{ID: "call", RunID: "run", SessionID: "session", Status: host.HookCallQueued, Attempt: 1, Owner: "self", SnapshotID: "s"}
	end := host.Finish{Run: run, Calls: []host.HookCall{call}, Snapshots: []host.Snapshot{{ID: "s", RunID: "run", Context: []byte(secret)}}}
	end.Run.Status = host.RunCompleted
	done := call
	done.Status = host.HookCallCompleted
	raw := run
	raw.Input = host.TextContent(secret)

	must(t, s.CreateRun(t.Context(), host.NewRun{Run: raw, Lease: host.Lease{Owner: "self"}, Wait: true}))
	wantInFiles(t, dir, "078-05-1120", false)
	must(t, s.FinishRun(t.Context(), end))
	wantInFiles(t, dir, "078-05-1120", true)
	must(t, s.FinishHookCall(t.Context(), 1, done))
	must(t, s.Close())
	wantInFiles(t, dir, "078-05-1120", false)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantInFiles looks for text in every file of dir.
func wantInFiles(t *testing.T, dir, text string, want bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	found := false
	for _, file := range files {
		data, err := os.ReadFile(file)
		must(t, err)
		found = found || bytes.Contains(data, []byte(text))
	}
	if found != want {
		t.Errorf("%q in the files %v: %t, want %t", text, files, found, want)
	}
}
