package sqlite

import (
	"errors"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/snaphook-dev/snaphook/host"
)

var errNotNow = host.Errorf(host.CodeUnavailable, "The store cannot write at the moment")

// explained is what a caller is told of a write that failed: a full disk is
// nothing it did, and may pass.
func explained(err error) error {
	var fault *driver.Error
	if errors.As(err, &fault) && fault.Code() == sqlite3.SQLITE_FULL {
		return &host.Error{Code: host.CodeUnavailable, Message: "The store has no space left", Err: err}
	}
	return err
}
