package sqlite

import (
	"bytes"
	"encoding/json"
	"time"
)

// encode writes v as JSON for a column. Unlike json.Marshal it leaves the
// characters of embedded JSON as they are.
func encode(v any) (string, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// rawColumn is a JSON column; nil is NULL.
func rawColumn(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}

// nanos is a time column: Unix nanoseconds, 0 for the zero time.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// timeOf reverses nanos.
func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
