package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guarded keeps web pages of strangers away from a host that has no key: pages
// that send requests to it (by their Origin), and pages that made its address
// theirs (by the Host they ask for). With anyHost the second is not checked.
func (a *api) guarded(next http.Handler, origins []string, anyHost bool) http.Handler {
	return a.answering(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Add("Vary", "Origin")
		if !anyHost && !isLoopback(r.Host) {
			return forbidden("This host answers only requests for a loopback name or address")
		}
		origin := r.Header.Get("Origin")
		allowed := slices.Contains(origins, origin)
		switch {
		case len(r.Header.Values("Origin")) == 0:
		case isPreflight(r):
			preflight(w, r, allowed)
			return nil
		case !allowed:
			setCORSHeaders(w.Header(), "")
			return forbidden("This origin is not allowed")
		default:
			setCORSHeaders(w.Header(), origin)
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func forbidden(detail string) error {
	return &statusError{status: http.StatusForbidden, id: "forbidden", detail: detail}
}

// isLoopback reports whether the value of a Host header names this machine.
func isLoopback(hostport string) bool {
	name := hostport
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		name = host
	}
	name = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Unmap().IsLoopback()
}
