package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard is what a host that has no key checks of a request. With anyHost or
// anyStranger the one or the other is let through.
type guard struct {
	// origins are those whose pages may read answers.
	origins     []string
	anyHost     bool
	anyStranger bool
}

// guarded keeps web pages of strangers away: pages that send requests to the
// host (by their Origin), and pages that made its address theirs (by the Host
// they ask for).
func (a *api) guarded(next http.Handler, g guard) http.Handler {
	return a.answering(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Add("Vary", "Origin")
		if !g.anyHost && !isLoopback(r.Host) {
			return forbidden("This host answers only requests for a loopback name or address")
		}
		origin := r.Header.Get("Origin")
		allowed := slices.Contains(g.origins, origin)
		switch {
		case len(r.Header.Values("Origin")) == 0:
		case isPreflight(r):
			preflight(w, r, allowed)
			return nil
		case allowed:
			setCORSHeaders(w.Header(), origin)
		default:
			setCORSHeaders(w.Header(), "")
			if !g.anyStranger {
				return forbidden("This origin is not allowed")
			}
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
