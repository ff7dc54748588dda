package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked is wrapped by Open's error when another process has the file open.
var ErrLocked = errors.New("the database is in use by another process")

// createFile makes sure that the database file exists, unreadable to others,
// and returns its one true path, so that a link leads to the same lock.
func createFile(path string) (string, error) {
	if path == "" {
		return "", errors.New("path is missing")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	if err := f.Close(); err != nil {
		return "", err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// lockFile takes the lock beside the database file. It ends when the returned
// file is closed, or with the process.
func lockFile(path string) (*os.File, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
	}
	return f, nil
}
