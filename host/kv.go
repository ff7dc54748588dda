package host

import (
	"context"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Bounds of what a plugin keeps. Keys and values count towards the bytes.
const (
	MaxKVKeyBytes  = 256
	MaxKVKeys      = 1024
	DefaultKVBytes = pluginapi.MaxKVBytes
)

// KVStore keeps what plugins keep between calls, by the plugin's name: all its
// versions share it. Keys are compared byte for byte.
type KVStore interface {
	// KVValue returns a value, or false.
	KVValue(ctx context.Context, plugin, key string) (value []byte, found bool, err error)
	// SetKVValue stores a value; when the plugin would have more than its quota
	// afterwards it is CodeTooLarge and nothing changes.
	SetKVValue(ctx context.Context, plugin, key string, value []byte, quota KVQuota) error
	// DeleteKVValue of a key that does not exist is no error.
	DeleteKVValue(ctx context.Context, plugin, key string) error
}

// KVQuota is how much a plugin may keep.
type KVQuota struct {
	// Bytes bounds all keys and values together.
	Bytes int64
	Keys  int
}

// Check returns an error with CodeTooLarge when keys keys with so many bytes are
// more than the quota.
func (q KVQuota) Check(keys int, bytes int64) error {
	switch {
	case keys > q.Keys:
		return Errorf(CodeTooLarge, "the plugin may keep %d keys", q.Keys)
	case bytes > q.Bytes:
		return Errorf(CodeTooLarge, "the plugin may keep %d bytes in keys and values; this would make it %d", q.Bytes, bytes)
	}
	return nil
}
