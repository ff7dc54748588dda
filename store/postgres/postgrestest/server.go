package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
)

// Config says what server to run; the zero value is one with PostgreSQL's own
// settings for durability.
type Config struct {
	// NoSync leaves commits to the operating system: faster, and as safe as long as
	// the machine itself does not stop.
	NoSync bool
	// MaxConnections is 200 when zero.
	MaxConnections int
}

// Server is a running PostgreSQL server. Its methods are safe for concurrent use,
// but for Start, Stop, Restart and Close, which must not meet one another.
type Server struct {
	bin     string
	dir     string
	user    *account
	options string
	running atomic.Bool

	// keeper is a process that waits for the end of its input: for Close, or for
	// the end of this process.
	keeper   *exec.Cmd
	lifeline io.Closer
}

// superuser is the role that owns everything; nobody else reaches the socket.
const superuser = "postgres"

// New makes a cluster in a temporary directory and starts a server for it. ctx
// bounds the start only.
func New(ctx context.Context, config Config) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	user, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "snaphook-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	s := &Server{bin: bin, dir: dir, user: user, options: options(config, dir)}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// begin fills the directory and starts the server. The keeper comes first:
// whatever happens after, nothing is left.
func (s *Server) begin(ctx context.Context) error {
	if err := s.user.own(s.dir); err != nil {
		return err
	}
	if err := s.watch(ctx); err != nil {
		return err
	}
	if _, err := s.run(ctx, "initdb", "-D", s.data(), "-U", superuser, "-A", "trust", "-E", "UTF8",
		"--locale=C", "--no-sync"); err != nil {
		return err
	}
	return s.Start(ctx)
}

func options(config Config, dir string) string {
	connections := config.MaxConnections
	if connections == 0 {
		connections = 200
	}
	set := []string{
		"-c listen_addresses=''",
		"-c unix_socket_directories='" + dir + "'",
		"-c max_connections=" + strconv.Itoa(connections),
	}
	if config.NoSync {
		set = append(set, "-F")
	}
	return strings.Join(set, " ")
}

// URL is where to reach a database of the server.
func (s *Server) URL(database string) string {
	return (&url.URL{
		Scheme: "postgres", User: url.User(superuser), Path: "/" + database,
		RawQuery: url.Values{"host": {s.dir}}.Encode(),
	}).String()
}

// CreateDatabase makes an empty database and returns its URL.
func (s *Server) CreateDatabase(ctx context.Context, name string) (string, error) {
	if err := s.execute(ctx, "CREATE DATABASE "+quote(name)); err != nil {
		return "", err
	}
	return s.URL(name), nil
}

// DropDatabase drops a database and ends its connections.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	return s.execute(ctx, "DROP DATABASE "+quote(name)+" WITH (FORCE)")
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (s *Server) execute(ctx context.Context, statement string) error {
	_, err := s.run(ctx, "psql", "-X", "-q", "-h", s.dir, "-U", superuser, "-d", "postgres", "-c", statement)
	return err
}

// Start starts a server that was stopped, and returns when it answers.
func (s *Server) Start(ctx context.Context) error {
	_, err := s.run(ctx, "pg_ctl", "start", "-s", "-w", "-D", s.data(), "-l", s.log(), "-o", s.options)
	if err != nil {
		text, _ := os.ReadFile(s.log()) // no log is no news
		return fmt.Errorf("%w\n%s", err, text)
	}
	s.running.Store(true)
	return nil
}

// Stop ends all connections and the server, and returns when it is gone.
func (s *Server) Stop(ctx context.Context) error {
	_, err := s.run(ctx, "pg_ctl", "stop", "-s", "-w", "-m", "fast", "-D", s.data())
	if err == nil {
		s.running.Store(false)
	}
	return err
}

// Restart stops the server and starts it again.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	return s.Start(ctx)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.dir, "log") }

// Close ends the server and deletes its data.
func (s *Server) Close() error {
	s.running.Store(false)
	if s.keeper == nil {
		return os.RemoveAll(s.dir)
	}
	if err := errors.Join(s.lifeline.Close(), s.keeper.Wait()); err != nil {
		return fmt.Errorf("close PostgreSQL: %w", err)
	}
	return nil
}
