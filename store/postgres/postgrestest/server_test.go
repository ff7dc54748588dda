package postgrestest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/store/postgres/postgrestest"
)

// killedVariable has the test binary run a server until it is killed.
const killedVariable = "SNAPHOOK_POSTGRESTEST_KILLED"

func TestMain(m *testing.M) {
	if os.Getenv(killedVariable) != "" {
		serveUntilKilled()
		return
	}
	m.Run()
}

// serveUntilKilled says where its server is, and waits.
func serveUntilKilled() {
	server, err := postgrestest.New(context.Background(), postgrestest.Config{NoSync: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(server.URL("postgres"))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestDatabasesAreEmptyAndApart(t *testing.T) {
	t.Parallel()
	first, second := postgrestest.Database(t), postgrestest.Database(t)
	execute(t, first, "CREATE TABLE t (a int)")
	execute(t, second, "CREATE TABLE t (a int)")
}

func TestRestartKeepsWhatWasCommitted(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, postgrestest.Config{MaxConnections: 20})
	database := server.Database(t)
	execute(t, database, "CREATE TABLE t (a int)")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, database, "INSERT INTO t VALUES (1)")

	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if conn, err := pgx.Connect(t.Context(), database); err == nil {
		conn.Close(t.Context())
		t.Error("a stopped server answers")
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	execute(t, database, "INSERT INTO t VALUES (2)")
}

func TestCloseLeavesNothing(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.New(t.Context(), postgrestest.Config{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	dir := directory(t, server.URL("postgres"))
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is left: %v", dir, err)
	}
}

func TestServerEndsWithAKilledProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), killedVariable+"=1")
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimSpace(line)
	execute(t, database, "SELECT 1")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
	awaitGone(t, directory(t, database))
}

// awaitGone waits until a directory is deleted, which nobody tells us.
func awaitGone(t *testing.T, dir string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(time.Minute); ; {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s is left", dir)
		}
	}
}

// directory is where the server of a URL keeps everything.
func directory(t *testing.T, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("host")
}

func execute(t *testing.T, database, statement string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), statement); err != nil {
		t.Error(err)
	}
}
