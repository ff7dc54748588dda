package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// server reads where the host listens, to whom, and where it keeps things.
func (l *loader) server(m *mapping, c *Config) {
	m.read("insecure", func(n *node) { c.Insecure = l.boolean(n) })
	if o := l.overrides.Insecure; o != nil {
		c.Insecure = *o
	}
	l.securityKey(m, c)
	l.listen(m, c)
	l.store(m, c)
	l.corsOrigins(m, c)
	m.read("cache_dir", func(n *node) { c.CacheDir = l.directory(n) })
	if o := l.overrides.CacheDir; o != nil {
		c.CacheDir = *o
	}
}

func (l *loader) listen(m *mapping, c *Config) {
	at := &node{path: "listen"}
	m.read("listen", func(n *node) { at, c.Listen = n, l.text(n) })
	if o := l.overrides.Listen; o != nil {
		at, c.Listen = &node{path: "--listen"}, *o
	}
	hostname, ok := splitAddress(c.Listen)
	switch {
	case at.kind != kindText && at.line > 0: // is a problem already
	case !ok:
		l.problem(at, "%q is not an address such as %s", c.Listen, DefaultListen)
	case c.SecurityKey == "" && !c.Insecure && !isLoopback(hostname):
		l.problem(at, "%s can be reached from other machines, and nothing asks who calls: "+
			"set security_key, listen on a loopback address, or say insecure: true (--insecure)", c.Listen)
	}
}

func splitAddress(address string) (hostname string, ok bool) {
	hostname, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return hostname, err == nil
}

// isLoopback knows localhost by name; any other name may lead anywhere.
func isLoopback(hostname string) bool {
	if hostname == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(hostname)
	return err == nil && addr.Unmap().IsLoopback()
}

func (l *loader) corsOrigins(m *mapping, c *Config) {
	m.read("cors_origins", func(n *node) {
		if !l.is(n, kindList) {
			return
		}
		c.CORSOrigins = []string{}
		for _, item := range n.items {
			c.CORSOrigins = append(c.CORSOrigins, l.origin(item, l.text(item)))
		}
	})
	if o := l.overrides.CORSOrigins; o != nil {
		c.CORSOrigins = nil
		for _, text := range o {
			c.CORSOrigins = append(c.CORSOrigins, l.origin(&node{path: "--cors-origins"}, text))
		}
	}
}

func (l *loader) origin(at *node, text string) string {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || text != u.Scheme+"://"+u.Host {
		l.problem(at, "%q is not an origin such as http://localhost:3000", text)
	}
	return text
}
