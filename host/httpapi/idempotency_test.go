package httpapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// runWithKeys posts a run with these headers of the idempotency key.
func (f *fixture) runWithKeys(t *testing.T, form string, keys ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/agents/plain-agent/runs", strings.NewReader(form))
	r.Host = "127.0.0.1"
	r.Header.Set("Content-Type", urlEncoded)
	r.Header["Idempotency-Key"] = keys
	w := httptest.NewRecorder()
	f.handler(t).ServeHTTP(w, r)
	return w
}

func TestIdempotencyKeyReachesTheEngine(t *testing.T) {
	t.Parallel()
	for _, form := range []string{
		"message=hi&stream=false", "message=hi", "message=hi&background=true&stream=false", "message=hi&background=true",
	} {
		for _, key := range []string{"", strings.Repeat("é", maxKey/2)} {
			t.Run(form+" "+key, func(t *testing.T) {
				t.Parallel()
				f := fixture{engine: fakeEngine{started: pendingRun(), stream: completedEvents()}}
				w := f.runWithKeys(t, form, key)
				if got := f.engine.request(t).IdempotencyKey; got != key || w.Code >= 300 {
					t.Errorf("key %q, answer %d %s", got, w.Code, w.Body)
				}
			})
		}
	}
}

func TestIdempotencyKeyThatIsNone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		keys      []string
		kind, msg string
	}{
		"long":      {[]string{strings.Repeat("x", maxKey+1)}, "string_too_long", "Input should have at most 512 bytes"},
		"control":   {[]string{"a\tb"}, "string_control", "Input should have no control characters"},
		"not UTF-8": {[]string{"a\xff"}, "string_unicode", "Input should be valid UTF-8"},
		"two":       {[]string{"a", "a"}, "repeated", "Header given 2 times"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			want := fmt.Sprintf(`{"detail":[{"type":%q,"loc":["header","Idempotency-Key"],"msg":%q,"input":null}],`+
				`"error_id":"invalid","error_type":"request_error"}`, tc.kind, tc.msg)
			wantAnswer(t, f.runWithKeys(t, "message=hi", tc.keys...), http.StatusUnprocessableEntity, want)
			if len(f.engine.asked) != 0 {
				t.Error("a run was begun")
			}
		})
	}
}

func FuzzIdempotencyKey(f *testing.F) {
	f.Add("key-1")
	f.Add("\x00")
	f.Add("é\xff")
	f.Fuzz(func(t *testing.T, value string) {
		r := httptest.NewRequest(http.MethodPost, "/agents/plain-agent/runs", nil)
		r.Header[idempotencyHeader] = []string{value}
		key, err := idempotencyKey(r)
		if err == nil && key != value {
			t.Errorf("key %q of %q", key, value)
		}
		if status, _ := describe(err); err != nil && status != http.StatusUnprocessableEntity {
			t.Errorf("status %d: %v", status, err)
		}
	})
}
