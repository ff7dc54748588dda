package guesttest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

var cacheDir = sync.OnceValues(func() (string, error) {
	return os.MkdirTemp("", "guesttest-cache-")
})

// CacheDir returns a private directory for a compile cache. It is shared by all
// tests of the test binary; RemoveCache deletes it.
func CacheDir(t testing.TB) string {
	t.Helper()
	dir, err := cacheDir()
	if err != nil {
		t.Fatalf("make cache directory: %v", err)
	}
	return dir
}

// RemoveCache deletes the directory of CacheDir. Call it from TestMain, after
// the tests.
func RemoveCache() error {
	dir, err := cacheDir()
	if err != nil {
		return fmt.Errorf("remove cache: %w", err)
	}
	return os.RemoveAll(dir)
}
