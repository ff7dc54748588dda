package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const aKey = "the-key-of-this-test"

func TestSecurityKey(t *testing.T) {
	t.Parallel()
	const (
		required = `{"detail":"Authorization header required","error_id":"unauthorized","error_type":"request_error"}`
		invalid  = `{"detail":"Invalid authentication token","error_id":"unauthorized","error_type":"request_error"}`
	)
	for _, tc := range []struct {
		method, target, authorization string
		status                        int
		body                          string
	}{
		{"GET", "/teams", "", 401, required},
		{"GET", "/teams", "Basic " + aKey, 401, required},
		{"GET", "/teams", "Bearer", 401, required},
		{"GET", "/teams", "Bearer ", 401, required},
		{"GET", "/teams", aKey, 401, required},
		{"GET", "/teams", "Bearer wrong", 401, invalid},
		{"GET", "/teams", "Bearer " + aKey + "x", 401, invalid},
		{"GET", "/teams", "Bearer " + aKey[1:], 401, invalid},
		{"GET", "/teams", "Bearer " + strings.ToUpper(aKey), 401, invalid},
		{"GET", "/teams", "Bearer " + aKey, 200, "[]"},
		{"GET", "/teams", "bearer  " + aKey + " ", 200, "[]"},
		{"GET", "/nope", "", 401, required},
		{"GET", "/config", "", 401, required},
		{"GET", "/healthy", "", 401, required},
		{"GET", "//health", "", 401, required},
		{"POST", "/agents/plain-agent/runs", "", 401, required},
		{"POST", "/plugins", "", 401, required},
		{"HEAD", "/teams", "", 401, required},
		{"GET", "/", "", 200, ""},
		{"GET", "/health", "", 200, ""},
		{"GET", "/health/", "", 200, ""},
		{"GET", "/info", "Bearer wrong", 200, ""},
		{"OPTIONS", "/teams", "", 405, ""},
	} {
		t.Run(tc.method+" "+tc.target+" "+tc.authorization, func(t *testing.T) {
			t.Parallel()
			f := fixture{config: Config{SecurityKey: aKey}}
			w := f.askFrom(t, tc.method, tc.target, map[string]string{"Authorization": tc.authorization, "Host": "snaphook.example"})
			if w.Code != tc.status || tc.body != "" && w.Body.String() != tc.body {
				t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, tc.status, tc.body)
			}
			if strings.Contains(f.log.String(), aKey) {
				t.Errorf("the key is logged: %s", &f.log)
			}
		})
	}
}

func TestAuthMode(t *testing.T) {
	t.Parallel()
	for key, mode := range map[string]string{"": "none", aKey: "security_key"} {
		f := fixture{config: Config{SecurityKey: key}}
		if w := f.get(t, "/info"); !strings.Contains(w.Body.String(), `"auth_mode":"`+mode+`"`) {
			t.Errorf("answer %s, want the mode %s", w.Body, mode)
		}
	}
}

// TestCORSWithAKey: a page may read why it was refused, and a stranger's page is
// served like any program, but cannot read.
func TestCORSWithAKey(t *testing.T) {
	t.Parallel()
	const page, stranger = "http://localhost:3000", "http://evil.test"
	for name, tc := range map[string]struct {
		method string
		header map[string]string
		status int
		want   map[string]string
	}{
		"page without key": {
			http.MethodGet, map[string]string{"Origin": page}, 401,
			map[string]string{
				"Vary": "Origin", "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "*",
				"Access-Control-Allow-Origin": page, "Content-Type": "application/json",
			},
		},
		"stranger with key": {
			http.MethodGet, map[string]string{"Origin": stranger, "Authorization": "Bearer " + aKey}, 200,
			map[string]string{
				"Vary": "Origin", "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "*",
				"Content-Type": "application/json",
			},
		},
		"preflight": {
			http.MethodOptions, map[string]string{"Origin": page, "Access-Control-Request-Method": "GET"}, 200,
			map[string]string{
				"Vary": "Origin", "Access-Control-Allow-Credentials": "true", "Access-Control-Max-Age": "600",
				"Access-Control-Allow-Methods": "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
				"Access-Control-Allow-Origin":  page, "Content-Type": "text/plain; charset=utf-8",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{config: Config{SecurityKey: aKey}}
			tc.header["Host"] = "snaphook.example"
			w := f.askFrom(t, tc.method, "/teams", tc.header)
			if diff := cmp.Diff(tc.want, flat(w.Header())); w.Code != tc.status || diff != "" {
				t.Errorf("status %d, headers (-want +got):\n%s", w.Code, diff)
			}
		})
	}
}
