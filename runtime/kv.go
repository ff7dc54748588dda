package runtime

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
)

var errNoKV = fmt.Errorf("kv: %w", host.ErrNotGranted)

// kvOf returns the values the guest may reach, and the key it names.
func kvOf(s host.Services, key []byte) (host.KV, string, error) {
	switch {
	case s.KV == nil:
		return nil, "", errNoKV
	case len(key) == 0 || len(key) > host.MaxKVKeyBytes:
		return nil, "", host.Errorf(host.CodeInvalid, "a key must have 1 to %d bytes, not %d", host.MaxKVKeyBytes, len(key))
	case !utf8.Valid(key):
		return nil, "", host.Errorf(host.CodeInvalid, "a key must be UTF-8 text")
	}
	return s.KV, string(key), nil
}

func getValue(ctx context.Context, s host.Services, args [][]byte) ([]byte, bool, error) {
	kv, key, err := kvOf(s, args[0])
	if err != nil {
		return nil, false, err
	}
	return kv.Get(ctx, key)
}

func setValue(ctx context.Context, s host.Services, args [][]byte) ([]byte, bool, error) {
	kv, key, err := kvOf(s, args[0])
	if err != nil {
		return nil, false, err
	}
	return nil, false, kv.Set(ctx, key, args[1])
}

func deleteValue(ctx context.Context, s host.Services, args [][]byte) ([]byte, bool, error) {
	kv, key, err := kvOf(s, args[0])
	if err != nil {
		return nil, false, err
	}
	return nil, false, kv.Delete(ctx, key)
}
