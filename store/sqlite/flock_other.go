//go:build !unix || aix || solaris

package sqlite

import (
	"fmt"
	"os"
	"runtime"
)

// flock refuses: without a lock that dies with the process, two processes could
// run the same hook calls.
func flock(*os.File) error {
	return fmt.Errorf("the SQLite store does not run on %s", runtime.GOOS)
}
