//go:build unix

package postgrestest

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// account is the user a server runs as; nil is the one of this process.
type account struct{ uid, gid int }

// serverAccount returns whom the server runs as: PostgreSQL refuses root.
func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	found, err := user.Lookup(superuser)
	if err != nil {
		return nil, notOwner(err)
	}
	var a account
	if a.uid, err = strconv.Atoi(found.Uid); err != nil {
		return nil, notOwner(err)
	}
	if a.gid, err = strconv.Atoi(found.Gid); err != nil {
		return nil, notOwner(err)
	}
	return &a, nil
}

// attributes has a process run as that user, out of reach of what interrupts
// this one.
func (a *account) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setsid: true}
	if a != nil {
		attributes.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attributes
}
