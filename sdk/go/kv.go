package snaphook

import "fmt"

// KV keeps values between calls, for all versions of the plugin. The plugin needs
// the permission kv; its max_bytes bounds keys and values together, and there may
// be 1,024 keys. A key is UTF-8 text of 1 to 256 bytes. Calls run side by side:
// what one reads another may have changed before it writes.
type KV struct{ host Host }

// Get returns the value of a key, or false.
func (kv KV) Get(key string) (value []byte, found bool, err error) {
	value, found, err = kv.host.Value(key)
	if err != nil {
		return nil, false, fmt.Errorf("kv: get: %w", err)
	}
	return value, found, nil
}

// Set stores a value. With an error that wraps ErrTooLarge nothing changed.
func (kv KV) Set(key string, value []byte) error {
	if err := kv.host.SetValue(key, value); err != nil {
		return fmt.Errorf("kv: set: %w", err)
	}
	return nil
}

// Delete deletes a key, if it is there.
func (kv KV) Delete(key string) error {
	if err := kv.host.DeleteValue(key); err != nil {
		return fmt.Errorf("kv: delete: %w", err)
	}
	return nil
}
