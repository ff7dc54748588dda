package runtime

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// guardedDial connects to a host whose name was granted. The address is checked
// after the name was resolved, so that a name cannot lead into the host's own
// network.
func guardedDial(resolver *net.Resolver) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		dialer := net.Dialer{
			Timeout:  dialTimeout,
			Resolver: resolver,
			Control: func(_, address string, _ syscall.RawConn) error {
				return checkAddress(normalHost(host), address)
			},
		}
		return dialer.DialContext(ctx, network, address)
	}
}

// checkAddress says whether the address that is dialled is fit for the host.
func checkAddress(host, address string) error {
	dialled, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", host, err)
	}
	ip := dialled.Addr()
	if !addressFits(host, ip) {
		return refused{fmt.Errorf("%s has the address %s, which is not public", host, ip)}
	}
	return nil
}

// addressFits lets a granted address be itself and localhost this machine; any
// other name must be public.
func addressFits(host string, ip netip.Addr) bool {
	if literal, err := netip.ParseAddr(host); err == nil {
		return literal.Unmap() == ip.Unmap()
	}
	if host == "localhost" {
		return ip.Unmap().IsLoopback()
	}
	return isPublic(ip)
}

func isPublic(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if inner, ok := embedded(ip); ok {
		return isPublic(inner)
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, reserved := range reservedPrefixes {
		if reserved.Contains(ip) {
			return false
		}
	}
	return true
}

// reservedPrefixes are not public beyond what net/netip knows as such.
var reservedPrefixes = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved
	netip.MustParsePrefix("::/96"),           // IPv4-compatible
	netip.MustParsePrefix("64:ff9b:1::/48"),  // local NAT64
	netip.MustParsePrefix("100::/64"),        // discard
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("3fff::/20"),       // documentation
	netip.MustParsePrefix("5f00::/16"),       // segment routing
	netip.MustParsePrefix("fec0::/10"),       // site-local
}

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

// embedded returns the IPv4 address a gateway would send the packet to.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	bytes := ip.As16()
	switch {
	case nat64.Contains(ip):
		return netip.AddrFromSlice(bytes[12:])
	case sixTo4.Contains(ip):
		return netip.AddrFromSlice(bytes[2:6])
	}
	return netip.Addr{}, false
}
