package row

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// Encode writes v as JSON for a column. Unlike json.Marshal it leaves the
// characters of embedded JSON as they are.
func Encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// decode reads a document; what names it in the error.
func decode(doc []byte, into any, what string) error {
	if err := json.Unmarshal(doc, into); err != nil {
		return fmt.Errorf("decode %s: %w", what, err)
	}
	return nil
}

// Blob is a column of bytes; without bytes it is empty, not NULL.
func Blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Nanos is a time column: Unix nanoseconds, 0 for the zero time.
func Nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// Time reverses Nanos. The time is in UTC.
func Time(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// bound is t as a column holds it; what the column cannot hold lies at its end.
func bound(t time.Time) int64 {
	switch seconds := t.Unix(); {
	case seconds < math.MinInt64/int64(time.Second)+1:
		return math.MinInt64
	case seconds > math.MaxInt64/int64(time.Second)-1:
		return math.MaxInt64
	}
	return t.UnixNano()
}
