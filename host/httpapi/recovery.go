package httpapi

import (
	"net/http"
	"runtime/debug"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// recovering answers a panic of a handler with a 500 and logs it. When the
// answer has begun the connection is cut, so that nobody takes it for whole.
func (a *api) recovering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := &response{ResponseWriter: w}
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			a.log.ErrorContext(r.Context(), "request panicked",
				"method", r.Method, "path", r.URL.Path, "panic", cause, "stack", string(debug.Stack()))
			if begun.wroteHeader {
				panic(http.ErrAbortHandler)
			}
			a.writeJSON(begun, r, http.StatusInternalServerError,
				newErrorBody(http.StatusInternalServerError, string(host.CodeInternal), internalDetail))
		}()
		// A deadline of the request before must not end this one.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		next.ServeHTTP(begun, r)
	})
}

// response remembers whether an answer has begun.
type response struct {
	http.ResponseWriter
	wroteHeader bool
}

// WriteHeader implements http.ResponseWriter.
func (w *response) WriteHeader(status int) {
	w.wroteHeader = true
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *response) Write(data []byte) (int, error) {
	w.wroteHeader = true
	return w.ResponseWriter.Write(data)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
