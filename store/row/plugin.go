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
