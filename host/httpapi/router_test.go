package httpapi

import (
	"fmt"
	"net/http"
	"testing"
)

// An id or a parameter that stores would answer differently is refused before them.
func TestAddressIsText(t *testing.T) {
	t.Parallel()
	f := &fixture{}
	for target, loc := range map[string]string{
		"/agents/a%00/runs":                `"path","id"`,
		"/sessions/%ff":                    `"path","session_id"`,
		"/sessions?user_id=%00":            `"query","user_id"`,
		"/hook-calls?plugin=ok&plugin=%00": `"query","plugin"`,
		"/hook-calls?nobody_asks=%c3%28":   `"query","nobody_asks"`,
	} {
		wantAnswer(t, f.ask(t, http.MethodGet, target, "", ""), http.StatusUnprocessableEntity, fmt.Sprintf(
			`{"detail":[{"type":"string_control","loc":[%s],"msg":"Input should be valid Unicode without zero bytes","input":null}],`+
				`"error_id":"invalid","error_type":"request_error"}`, loc))
	}
}
