package storetest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func kvTests() []test {
	return []test{
		{"kept and deleted", keptValue},
		{"odd keys and values", oddValues},
		{"quota of bytes", quotaOfBytes},
		{"quota of keys", quotaOfKeys},
		{"quota at once", quotaAtOnce},
	}
}

// plenty is a quota no test reaches.
var plenty = host.KVQuota{Bytes: 1 << 20, Keys: 1024}

func wantValue(t *testing.T, s host.Store, plugin, key, want string) {
	t.Helper()
	got, found, err := s.KVValue(t.Context(), plugin, key)
	if err != nil || !found || string(got) != want {
		t.Errorf("%s %q is %q, found %t, %v; want %q", plugin, key, got, found, err, want)
	}
}

func wantNoValue(t *testing.T, s host.Store, plugin, key string) {
	t.Helper()
	if got, found, err := s.KVValue(t.Context(), plugin, key); err != nil || found || got != nil {
		t.Errorf("%s %q is %q, found %t, %v; want nothing", plugin, key, got, found, err)
	}
}

func keptValue(t *testing.T, s host.Store) {
	wantNoValue(t, s, "a", "key")
	must(t, s.DeleteKVValue(t.Context(), "a", "key"))
	must(t, s.SetKVValue(t.Context(), "a", "key", []byte("first"), plenty))
	must(t, s.SetKVValue(t.Context(), "b", "key", []byte("of b"), plenty))
	wantValue(t, s, "a", "key", "first")
	must(t, s.SetKVValue(t.Context(), "a", "key", []byte("second"), plenty))
	wantValue(t, s, "a", "key", "second")
	must(t, s.DeleteKVValue(t.Context(), "a", "key"))
	wantNoValue(t, s, "a", "key")
	wantValue(t, s, "b", "key", "of b")
}

// Keys are bytes: nothing folds, trims or cuts them.
func oddValues(t *testing.T, s host.Store) {
	values := map[string]string{
		"a": "\x00\xff", "A": "", "a\x00b": "zero byte", "a ": "space", "é": "one", "e\u0301": "two", "%": "any",
		strings.Repeat("k", host.MaxKVKeyBytes): strings.Repeat("v", 100_000),
	}
	for key, value := range values {
		must(t, s.SetKVValue(t.Context(), "p", key, []byte(value), plenty))
	}
	must(t, s.SetKVValue(t.Context(), "p", "nil", nil, plenty))
	for key, value := range values {
		wantValue(t, s, "p", key, value)
	}
	wantValue(t, s, "p", "nil", "")
}

func quotaOfBytes(t *testing.T, s host.Store) {
	quota := host.KVQuota{Bytes: 10, Keys: 10}
	set := func(key, value string) error {
		return s.SetKVValue(t.Context(), "p", key, []byte(value), quota)
	}
	must(t, s.SetKVValue(t.Context(), "other", "key", []byte("0123456789"), plenty))
	must(t, set("é", "12345678")) // 2 bytes of key
	wantCode(t, set("b", ""), host.CodeTooLarge)
	wantNoValue(t, s, "p", "b")
	wantCode(t, set("é", "123456789"), host.CodeTooLarge)
	wantValue(t, s, "p", "é", "12345678")
	must(t, set("é", "1234567"))
	must(t, set("b", ""))
	must(t, s.DeleteKVValue(t.Context(), "p", "é"))
	must(t, set("b", "123456789"))
}

func quotaOfKeys(t *testing.T, s host.Store) {
	quota := host.KVQuota{Bytes: 1000, Keys: 2}
	set := func(key string) error { return s.SetKVValue(t.Context(), "p", key, []byte("v"), quota) }
	must(t, set("a"))
	must(t, set("b"))
	wantCode(t, set("c"), host.CodeTooLarge)
	must(t, set("b"))
	must(t, s.DeleteKVValue(t.Context(), "p", "a"))
	must(t, set("c"))
}

func quotaAtOnce(t *testing.T, s host.Store) {
	var stored, refused atomic.Int32
	inParallel(t.Context(), t, 8, func(ctx context.Context, i int) error {
		err := s.SetKVValue(ctx, "p", fmt.Sprint(i), []byte("v"), host.KVQuota{Bytes: 1000, Keys: 3})
		switch {
		case err == nil:
			stored.Add(1)
			return nil
		case host.CodeOf(err) == host.CodeTooLarge:
			refused.Add(1)
			return nil
		}
		return err
	})
	if stored.Load() != 3 || refused.Load() != 5 {
		t.Errorf("%d stored, %d refused; want 3 and 5", stored.Load(), refused.Load())
	}
}
