package runtime

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"
)

// prepareCacheDir makes the directory and refuses one that others can write to.
func prepareCacheDir(dir string) error {
	if dir == "" {
		return errors.New("the cache directory is missing")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make cache directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("make cache directory: %w", err)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("the cache directory %s holds machine code and others can write to it: chmod 700 it", dir)
	}
	return nil
}

// cacheEntry is the directory of one module's compiled code. Each module has
// its own, so that what is corrupt can be deleted without touching the others.
func (r *Runtime) cacheEntry(wasm []byte) string {
	sum := sha256.Sum256(wasm)
	return filepath.Join(r.cacheDir, hex.EncodeToString(sum[:]))
}

// withCache compiles with the cache of an entry. A damaged entry would fail for
// ever, so after a failure an entry that was there before is deleted, and
// compile is called once more; so it is when another process deletes the entry
// meanwhile. compile owns the cache: code compiled with it
// lives until the cache is closed.
func (r *Runtime) withCache(ctx context.Context, entry string, compile func(wazero.CompilationCache) error) error {
	before, _ := filepath.Glob(filepath.Join(entry, "*", "*"))
	err := compileWithCache(entry, compile)
	if err == nil || len(before) == 0 && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := removeEntry(entry); err != nil {
		return err
	}
	r.log.WarnContext(ctx, "compile again without the cached code", "entry", entry, "err", cleanError(err))
	return compileWithCache(entry, compile)
}

// removeEntry deletes an entry, if it is there. It is moved away first: another
// process may be writing to it.
func removeEntry(entry string) error {
	if _, err := os.Lstat(entry); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	aside, err := os.MkdirTemp(filepath.Dir(entry), "deleted-")
	if err != nil {
		return fmt.Errorf("delete cache entry: %w", err)
	}
	err = os.Rename(entry, filepath.Join(aside, "entry"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, os.RemoveAll(aside)); err != nil {
		return fmt.Errorf("delete cache entry: %w", err)
	}
	return nil
}

func compileWithCache(entry string, compile func(wazero.CompilationCache) error) error {
	cache, err := wazero.NewCompilationCacheWithDir(entry)
	if err != nil {
		return hostFault{fmt.Errorf("open cache: %w", err)}
	}
	return compile(cache)
}

// hostFault marks an error that says nothing about the module.
type hostFault struct{ error }

func (f hostFault) Unwrap() error { return f.error }

// isHostFault reports whether the host, not the module, is to blame: a full
// disk, for instance.
func isHostFault(err error) bool {
	var fault hostFault
	var path *fs.PathError
	var link *os.LinkError
	return errors.As(err, &fault) || errors.As(err, &path) || errors.As(err, &link)
}
