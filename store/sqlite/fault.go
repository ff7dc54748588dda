package sqlite

import (
	"errors"

	driver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/snaphook-dev/snaphook/store/row"
)

// explained is what a caller is told of a write that failed: a full or broken disk
// is nothing it did, and may pass.
func explained(err error) error {
	var fault *driver.Error
	if !errors.As(err, &fault) {
		return err
	}
	switch fault.Code() & 0xff { // the rest says more of the same
	case sqlite3.SQLITE_FULL:
		return row.NoSpace(err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN:
		return row.NotNow(err)
	}
	return err
}
