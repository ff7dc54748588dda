package postgrestest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// installed is where Debian keeps the programs of each version.
const installed = "/usr/lib/postgresql/*/bin/initdb"

// programs returns the directory of the PostgreSQL in PATH, else of the newest.
// initdb may be a link into a directory that has the others too.
func programs() (string, error) {
	if link, err := exec.LookPath("initdb"); err == nil {
		path, err := filepath.EvalSymlinks(link)
		return filepath.Dir(path), err
	}
	found, err := filepath.Glob(installed)
	if err != nil {
		return "", fmt.Errorf("find PostgreSQL: %w", err)
	}
	if len(found) == 0 {
		return "", errors.New("find PostgreSQL: no initdb in PATH or " + filepath.Dir(installed) +
			"; install it (Debian: apt-get install postgresql)")
	}
	return filepath.Dir(slices.MaxFunc(found, compareVersions)), nil
}

func compareVersions(a, b string) int { return cmp.Compare(version(a), version(b)) }

// version is the number in /usr/lib/postgresql/15/bin/initdb, 0 for none.
func version(path string) float64 {
	n, err := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64)
	if err != nil {
		return 0
	}
	return n
}

// run runs a program of PostgreSQL to its end, as the server's user.
func (s *Server) run(ctx context.Context, program string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), arguments...)
	cmd.Dir, cmd.SysProcAttr = s.dir, s.user.attributes()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run %s: %w: %s", program, err, out)
	}
	return string(out), nil
}

// keep is what the keeper does: when its input ends it stops the server, which
// need not run, and deletes all it has.
const keep = `cat; "$0/pg_ctl" stop -s -w -m immediate -D "$1/data" 2>/dev/null; cd / && rm -rf "$1"`

// watch starts the keeper. The other end of its input is in this process alone.
func (s *Server) watch(ctx context.Context) error {
	keeper := exec.CommandContext(context.WithoutCancel(ctx), "/bin/sh", "-c", keep, s.bin, s.dir)
	keeper.Dir, keeper.SysProcAttr = s.dir, s.user.attributes()
	lifeline, err := keeper.StdinPipe()
	if err != nil {
		return fmt.Errorf("watch over PostgreSQL: %w", err)
	}
	if err := keeper.Start(); err != nil {
		return fmt.Errorf("watch over PostgreSQL: %w", errors.Join(err, lifeline.Close()))
	}
	s.keeper, s.lifeline = keeper, lifeline
	return nil
}

// notOwner explains why a server cannot be run by this user.
func notOwner(err error) error {
	return fmt.Errorf("run PostgreSQL: root may not, and there is no user %q to do it: %w", superuser, err)
}

// own gives a directory to the server's user.
func (a *account) own(dir string) error {
	if a == nil {
		return nil
	}
	if err := os.Chown(dir, a.uid, a.gid); err != nil {
		return fmt.Errorf("give %s to PostgreSQL: %w", dir, err)
	}
	return nil
}
