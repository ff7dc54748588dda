//go:build !unix

package postgrestest

import (
	"errors"
	"syscall"
)

type account struct{ uid, gid int }

func serverAccount() (*account, error) {
	return nil, errors.New("run PostgreSQL: servers for tests run on Unix only")
}

func (a *account) attributes() *syscall.SysProcAttr { return nil }
