package guesttest

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"sync"
)

// builds remembers what was built, so that each source is built once.
type builds struct {
	mu   sync.Mutex
	made map[string]func() ([]byte, error)
}

// do returns a copy of what build makes for the key; build runs once per key.
func (b *builds) do(key string, build func() ([]byte, error)) ([]byte, error) {
	b.mu.Lock()
	made, ok := b.made[key]
	if !ok {
		if b.made == nil {
			b.made = map[string]func() ([]byte, error){}
		}
		made = sync.OnceValues(build)
		b.made[key] = made
	}
	b.mu.Unlock()
	module, err := made()
	return bytes.Clone(module), err
}

// run runs a tool and puts what it printed into the error.
func run(cmd *exec.Cmd) error {
	printed, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w (`make test` installs what the tests need; wat2wasm is in the package wabt)", err)
	case err != nil:
		return fmt.Errorf("%s: %w\n%s", cmd.Path, err, printed)
	}
	return nil
}
