package postgres

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// encode writes v as JSON for a column. Unlike json.Marshal it leaves the
// characters of embedded JSON as they are.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
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

// text is free text as a column can hold it.
func text(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD")
}

// blob is a bytea column; without bytes it is empty, not NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// leading scans the first column of a row by itself.
type leading struct {
	row  scanner
	into any
}

func (l leading) Scan(dest ...any) error { return l.row.Scan(append([]any{l.into}, dest...)...) }
