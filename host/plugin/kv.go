package plugin

import (
	"cmp"
	"context"

	"github.com/snaphook-dev/snaphook/host"
)

// pluginValues are what a plugin keeps between calls. All versions of it share
// them; each has the quota of its own manifest.
type pluginValues struct {
	store  host.KVStore
	plugin string
	quota  host.KVQuota
}

var _ host.KV = (*pluginValues)(nil)

// newPluginValues is for a plugin that asks for the permission kv.
func newPluginValues(store host.KVStore, p *host.Plugin) *pluginValues {
	return &pluginValues{store: store, plugin: p.Name, quota: kvQuota(p)}
}

// kvQuota is how much a plugin that asks for the permission kv may keep.
func kvQuota(p *host.Plugin) host.KVQuota {
	return host.KVQuota{
		Bytes: cmp.Or(p.Manifest.Permissions.KV.MaxBytes, host.DefaultKVBytes), Keys: host.MaxKVKeys,
	}
}

// Get returns a value, or false.
func (v *pluginValues) Get(ctx context.Context, key string) ([]byte, bool, error) {
	return v.store.KVValue(ctx, v.plugin, key)
}

// Set stores a value within the quota.
func (v *pluginValues) Set(ctx context.Context, key string, value []byte) error {
	return v.store.SetKVValue(ctx, v.plugin, key, value, v.quota)
}

// Delete deletes a key, if it is there.
func (v *pluginValues) Delete(ctx context.Context, key string) error {
	return v.store.DeleteKVValue(ctx, v.plugin, key)
}
