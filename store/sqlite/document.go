package sqlite

import (
	"encoding/json"

	"github.com/snaphook-dev/snaphook/store/row"
)

// encode writes v as JSON for a TEXT column.
func encode(v any) (string, error) {
	doc, err := row.Encode(v)
	return string(doc), err
}

// rawColumn is a JSON column; nil is NULL.
func rawColumn(raw json.RawMessage) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}
