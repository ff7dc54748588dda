package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// askFrom sends a request with the given headers; Host is one of them.
func (f *fixture) askFrom(t *testing.T, method, target string, header map[string]string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost:7777"
	for name, value := range header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	f.handler(t).ServeHTTP(w, r)
	return w
}

// flat returns headers with one value each.
func flat(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		out[name] = strings.Join(values, " | ")
	}
	return out
}

func TestCORS(t *testing.T) {
	t.Parallel()
	const allowed, methods = "http://localhost:3000", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
	for name, tc := range map[string]struct {
		method string
		header map[string]string
		status int
		body   string
		want   map[string]string
	}{
		"preflight": {
			http.MethodOptions,
			map[string]string{
				"Origin": allowed, "Access-Control-Request-Method": "GET",
				"Access-Control-Request-Headers": "content-type",
			},
			http.StatusOK, "OK",
			map[string]string{
				"Vary": "Origin", "Access-Control-Allow-Methods": methods, "Access-Control-Max-Age": "600",
				"Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Origin": allowed,
				"Access-Control-Allow-Headers": "content-type", "Content-Type": "text/plain; charset=utf-8",
			},
		},
		"preflight from a stranger": {
			http.MethodOptions,
			map[string]string{"Origin": "http://evil.test", "Access-Control-Request-Method": "GET"},
			http.StatusBadRequest, "Disallowed CORS origin",
			map[string]string{
				"Vary": "Origin", "Access-Control-Allow-Methods": methods, "Access-Control-Max-Age": "600",
				"Access-Control-Allow-Credentials": "true", "Content-Type": "text/plain; charset=utf-8",
			},
		},
		"request": {
			http.MethodGet, map[string]string{"Origin": allowed}, http.StatusOK, "[]",
			map[string]string{
				"Vary": "Origin", "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "*",
				"Access-Control-Allow-Origin": allowed, "Content-Type": "application/json",
			},
		},
		"request without origin": {
			http.MethodGet, nil, http.StatusOK, "[]",
			map[string]string{"Vary": "Origin", "Content-Type": "application/json"},
		},
		"request of a stranger": {
			http.MethodGet, map[string]string{"Origin": "http://evil.test"}, http.StatusForbidden,
			`{"detail":"This origin is not allowed","error_id":"forbidden","error_type":"request_error"}`,
			map[string]string{
				"Vary": "Origin", "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "*",
				"Content-Type": "application/json",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			w := f.askFrom(t, tc.method, "/teams", tc.header)
			wantAnswer(t, w, tc.status, tc.body)
			if diff := cmp.Diff(tc.want, flat(w.Header())); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		host, origin string
		insecure     bool
		status       int
	}{
		{"localhost:7777", "", false, 200},
		{"LOCALHOST", "", false, 200},
		{"snaphook.localhost:80", "", false, 200},
		{"127.0.0.1", "", false, 200},
		{"127.1.2.3:7777", "", false, 200},
		{"[::1]:7777", "", false, 200},
		{"[::1]", "", false, 200},
		{"[::ffff:127.0.0.1]:1", "", false, 200},
		{"", "", false, 403},
		{"evil.test", "", false, 403},
		{"localhost.evil.test", "", false, 403},
		{"notlocalhost", "", false, 403},
		{"192.168.1.2:7777", "", false, 403},
		{"evil.test", "", true, 200},
		{"evil.test", "http://evil.test", true, 403},
		{"localhost", "null", false, 403},
		{"localhost", "http://localhost:7777", false, 403},
		{"localhost", "https://os.agno.com", false, 200},
		{"localhost", "HTTPS://os.agno.com", false, 403},
	} {
		t.Run(tc.host+" "+tc.origin, func(t *testing.T) {
			t.Parallel()
			f := fixture{config: Config{Insecure: tc.insecure}}
			header := map[string]string{"Host": tc.host}
			if tc.origin != "" {
				header["Origin"] = tc.origin
			}
			if w := f.askFrom(t, http.MethodGet, "/health", header); w.Code != tc.status {
				t.Errorf("answer %d %s, want %d", w.Code, w.Body, tc.status)
			}
		})
	}
}

func TestGuardTakesTheOperatorsOrigins(t *testing.T) {
	t.Parallel()
	for origin, status := range map[string]int{"http://ui.test:8080": 200, "http://localhost:3000": 403} {
		f := fixture{config: Config{Origins: []string{"http://ui.test:8080"}}}
		if w := f.askFrom(t, http.MethodGet, "/health", map[string]string{"Origin": origin}); w.Code != status {
			t.Errorf("%s: status %d, want %d", origin, w.Code, status)
		}
	}
}

// TestGuardKeepsFormsOfStrangersOut: a form needs no preflight.
func TestGuardKeepsFormsOfStrangersOut(t *testing.T) {
	t.Parallel()
	f := fixture{}
	srv := f.server(t)
	r, err := http.NewRequest(http.MethodPost, srv.URL+"/agents/plain-agent/runs", strings.NewReader("message=hi"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", urlEncoded)
	r.Header.Set("Origin", "http://evil.test")
	resp, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	if resp.StatusCode != http.StatusForbidden || len(f.engine.asked) != 0 {
		t.Errorf("status %d, %d runs", resp.StatusCode, len(f.engine.asked))
	}
}
