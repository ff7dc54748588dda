package httpapi

import (
	"fmt"
	"net/http"
	"unicode/utf8"
)

// idempotencyHeader is the client's name for a request, for when it has to send
// it again.
const idempotencyHeader = "Idempotency-Key"

// maxKey is the length in bytes of an idempotency key.
const maxKey = 512

// idempotencyKey returns the key of a request, "" when it has none.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values(idempotencyHeader)
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	kind, msg := checkLine(key, maxKey)
	switch {
	case len(values) > 1:
		kind, msg = "repeated", fmt.Sprintf("Header given %d times", len(values))
	case !utf8.ValidString(key):
		kind, msg = "string_unicode", "Input should be valid UTF-8"
	}
	if kind != "" {
		return "", &fieldErrors{list: []fieldError{{Type: kind, Loc: []string{"header", idempotencyHeader}, Msg: msg}}}
	}
	return key, nil
}
