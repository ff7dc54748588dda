package row

import "github.com/snaphook-dev/snaphook/host"

// PluginColumns are what ScanPlugin takes.
const PluginColumns = `name, version, digest, manifest, module_size, active, grants, activated_at, tests, created_at`

// ScanPlugin reads a version of a plugin.
func ScanPlugin(r Scanner) (host.Plugin, error) {
	var (
		p                  host.Plugin
		manifest, grants   []byte
		activated, created int64
	)
	err := r.Scan(&p.Name, &p.Version, &p.Digest, &manifest, &p.ModuleSize, &p.Active, &grants,
		&activated, &p.Tests, &created)
	if err != nil {
		return p, err
	}
	p.ActivatedAt, p.CreatedAt = Time(activated), Time(created)
	err = decode(manifest, &p.Manifest, "manifest")
	if err == nil && grants != nil {
		err = decode(grants, &p.Grants, "grants")
	}
	return p, err
}

// BindingColumns are what ScanBindings takes.
const BindingColumns = `component_kind, component_id, doc`

// Bindings is the bindings of one scope.
type Bindings struct {
	Scope host.BindingScope
	List  []host.Binding
}

// ScanBindings reads the bindings of one scope.
func ScanBindings(r Scanner) (Bindings, error) {
	var (
		b   Bindings
		doc []byte
	)
	if err := r.Scan(&b.Scope.Kind, &b.Scope.ID, &doc); err != nil {
		return b, err
	}
	err := decode(doc, &b.List, "bindings")
	return b, err
}

// BindingsByScope returns the bindings of each scope.
func BindingsByScope(all []Bindings) map[host.BindingScope][]host.Binding {
	byScope := make(map[host.BindingScope][]host.Binding, len(all))
	for _, b := range all {
		byScope[b.Scope] = b.List
	}
	return byScope
}

// KVUsageColumns are what ScanKVUsage takes.
const KVUsageColumns = `count(*), coalesce(sum(length(key) + length(value)), 0)`

// KVUsage is what a plugin keeps beside the key that is to be stored.
type KVUsage struct {
	keys  int
	bytes int64
}

// ScanKVUsage reads what a plugin keeps.
func ScanKVUsage(r Scanner) (KVUsage, error) {
	var u KVUsage
	err := r.Scan(&u.keys, &u.bytes)
	return u, err
}

// Check refuses a key whose value would exceed the quota.
func (u KVUsage) Check(quota host.KVQuota, key string, value []byte) error {
	return quota.Check(u.keys+1, u.bytes+int64(len(key)+len(value)))
}
