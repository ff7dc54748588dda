package runtime

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// HTTPGrant says where a call may send requests.
type HTTPGrant struct {
	// Hosts are entries as CheckHTTPHost accepts them; empty ones grant nothing.
	Hosts []string
}

// CheckHTTPHost says what is wrong with a host of a grant. An entry is
// [scheme://]host[:port]; the scheme is https or http, https by default, the
// port the scheme's. The host may be a name, *.name for all names below it, or
// an address. A whole URL will do: its path and query mean nothing here.
func CheckHTTPHost(entry string) error {
	_, err := parseHost(entry)
	return err
}

// grantedHost is one entry of a grant, or the target of a request.
type grantedHost struct {
	scheme string
	// host is normalised; subdomains grants the names below it, not itself.
	host       string
	subdomains bool
	port       string
}

func parseHosts(entries []string) ([]grantedHost, error) {
	var hosts []grantedHost
	for _, entry := range entries {
		if entry == "" {
			continue
		}
		h, err := parseHost(entry)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

func parseHost(entry string) (grantedHost, error) {
	text := entry
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return grantedHost{}, fmt.Errorf("%q is not [scheme://]host[:port]", clean(entry, maxNameText))
	}
	suffix, subdomains := strings.CutPrefix(u.Hostname(), "*.")
	if subdomains {
		u.Host = strings.TrimPrefix(u.Host, "*.")
	}
	h, err := target(u)
	switch {
	case err != nil:
		return grantedHost{}, fmt.Errorf("%q: %w", clean(entry, maxNameText), err)
	case strings.Contains(h.host, "*"), subdomains && isAddress(suffix):
		return grantedHost{}, fmt.Errorf("%q: only *.name is a pattern", clean(entry, maxNameText))
	}
	h.subdomains = subdomains
	return h, nil
}

// target normalises where a URL leads, and refuses what could be read in two
// ways.
func target(u *url.URL) (grantedHost, error) {
	ports := map[string]string{"https": "443", "http": "80"}
	h := grantedHost{scheme: strings.ToLower(u.Scheme), host: normalHost(u.Hostname()), port: u.Port()}
	if h.port == "" {
		h.port = ports[h.scheme]
	}
	switch {
	case ports[h.scheme] == "":
		return h, errors.New("the scheme must be https or http")
	case u.User != nil:
		return h, errors.New("a URL must not contain a user name or password")
	case h.host == "":
		return h, errors.New("the host is missing")
	case !isPort(h.port):
		return h, errors.New("the port must be between 1 and 65535")
	case strings.ContainsAny(h.host, "%\\"), !isASCII(h.host), strings.Contains("."+h.host+".", ".."):
		return h, errors.New("the host must be a plain name or an address; write other alphabets in punycode")
	}
	return h, nil
}

// normalHost writes a host in one way only.
func normalHost(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String()
	}
	return host
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r > 0x7e || r < 0x21 }) < 0
}

func (h grantedHost) allows(t grantedHost) bool {
	if h.scheme != t.scheme || h.port != t.port {
		return false
	}
	if h.subdomains {
		return !isAddress(t.host) && strings.HasSuffix(t.host, "."+h.host)
	}
	return h.host == t.host
}

// String is the host as people write it.
func (h grantedHost) String() string {
	host := h.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return h.scheme + "://" + host + ":" + h.port
}

// grant is the HTTPGrant of one running call.
type grant struct {
	hosts []grantedHost
	left  atomic.Int64
	// secrets may be nil; stub, when it is set, answers instead of the network.
	secrets *secrets
	stub    host.HTTPStub
}

// How many requests a call may send, redirects included.
const (
	maxRequestsBlocking   = 8
	maxRequestsBackground = 64
)

// newGrant returns nil for nil.
func newGrant(g *HTTPGrant, mode pluginapi.Mode) (*grant, error) {
	if g == nil {
		return nil, nil
	}
	hosts, err := parseHosts(g.Hosts)
	if err != nil {
		return nil, err
	}
	active := &grant{hosts: hosts}
	active.left.Store(maxRequestsBlocking)
	if mode == pluginapi.ModeBackground {
		active.left.Store(maxRequestsBackground)
	}
	return active, nil
}

// check says why a request may not be sent there, and counts it if it may.
func (g *grant) check(u *url.URL) error {
	if g == nil {
		return errors.New("this call may not send requests: http is not granted")
	}
	t, err := target(u)
	if err != nil {
		return err
	}
	for _, h := range g.hosts {
		if h.allows(t) {
			if g.left.Add(-1) < 0 {
				return errors.New("this call has sent too many requests")
			}
			return nil
		}
	}
	return fmt.Errorf("requests to %s are not granted", t)
}

type grantKey struct{}

func withGrant(ctx context.Context, g *grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

func grantFrom(ctx context.Context) *grant {
	g, _ := ctx.Value(grantKey{}).(*grant)
	return g
}
