package row

import "github.com/snaphook-dev/snaphook/host"

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
