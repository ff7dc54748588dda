package pluginapi

import (
	"net/netip"
	"strconv"
	"strings"
)

const (
	maxHostLen  = 253
	maxLabelLen = 63
)

// validHTTPHost accepts [scheme://]host[:port] and nothing else of a URL: the
// scheme http or https, the host a name, *.name, an IPv4 address, or an IPv6
// address in brackets.
func validHTTPHost(entry string) bool {
	rest := entry
	if scheme, after, ok := strings.Cut(entry, "://"); ok {
		if scheme != "http" && scheme != "https" {
			return false
		}
		rest = after
	}
	host, port, ok := cutPort(rest)
	return ok && validHost(host) && (port == "" || validPort(port))
}

// cutPort splits host[:port]; the host of an IPv6 address keeps its brackets.
func cutPort(s string) (host, port string, ok bool) {
	end := 0
	if strings.HasPrefix(s, "[") {
		end = strings.IndexByte(s, ']') + 1
	}
	colon := strings.IndexByte(s[end:], ':')
	if colon < 0 {
		return s, "", true
	}
	host, port = s[:end+colon], s[end+colon+1:]
	return host, port, port != ""
}

func validHost(host string) bool {
	if address, ok := strings.CutPrefix(host, "["); ok {
		address, ok = strings.CutSuffix(address, "]")
		ip, err := netip.ParseAddr(address)
		return ok && err == nil && ip.Is6() && ip.Zone() == ""
	}
	name, subdomains := strings.CutPrefix(host, "*.")
	if _, err := netip.ParseAddr(name); err == nil && subdomains {
		return false
	}
	return len(host) <= maxHostLen && each(name, validLabel)
}

func validLabel(s string) bool {
	return s != "" && len(s) <= maxLabelLen &&
		all(s, func(c byte) bool { return isAlphanumeric(c) || c == '-' || c == '_' })
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0 && all(s, isDigit)
}
