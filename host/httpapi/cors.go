package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// DefaultOrigins are the origins of the web clients that know AgentOS.
func DefaultOrigins() []string {
	return []string{
		"http://localhost:3000",
		"https://agno.com", "https://www.agno.com", "https://app.agno.com",
		"https://os-stg.agno.com", "https://os.agno.com",
	}
}

// checkOrigin refuses what no browser sends as an origin worth trusting, such
// as "*" and "null".
func checkOrigin(origin string) error {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
		return fmt.Errorf("origin %q must be scheme://host[:port]", origin)
	}
	return nil
}

// preflight answers a browser that asks whether it may send a request.
func preflight(w http.ResponseWriter, r *http.Request, allowed bool) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Max-Age", "600")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	if !allowed {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "Disallowed CORS origin") // the client's loss
		return
	}
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	_, _ = io.WriteString(w, "OK") // the client's loss
}

// isPreflight reports whether the request only asks for permission.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}

// setCORSHeaders lets the pages of an origin read the answer; "" lets nobody.
func setCORSHeaders(h http.Header, origin string) {
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", "*")
	if origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
	}
}
