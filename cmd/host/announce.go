package main

import (
	"io"
	"net"
	"net/netip"
	"strings"

	"github.com/snaphook-dev/snaphook/cmd/host/config"
	"github.com/snaphook-dev/snaphook/host"
)

// announce tells people what has started and how to try it. address is where the
// host listens, host:port.
func announce(w io.Writer, address string, c *config.Config) {
	url := "http://" + reachable(address)
	printf(w, "Snaphook listens on %s\n", url)
	printf(w, "  store   %s\n", c.Store)
	printf(w, "  agents  %s\n", agentNames(c.Agents))
	if len(c.OfflineModels) > 0 {
		printf(w, "  offline %s: no API key is set, so no model provider is asked\n", strings.Join(c.OfflineModels, ", "))
	}
	if len(c.Agents) > 0 {
		key := ""
		if c.SecurityKey != "" {
			key = ` -H "Authorization: Bearer $SNAPHOOK_SECURITY_KEY"`
		}
		printf(w, "\nTry it:\n  curl -N %s/agents/%s/runs%s -F message='Hello' -F stream=false\n\n", url, c.Agents[0].ID, key)
	}
}

func agentNames(agents []host.Agent) string {
	if len(agents) == 0 {
		return "none; add some to the configuration"
	}
	ids := make([]string, len(agents))
	for i, a := range agents {
		ids[i] = a.ID
	}
	return strings.Join(ids, ", ")
}

// reachable is an address that can be called from this machine: what listens on
// every interface is called on loopback.
func reachable(address string) string {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip, err := netip.ParseAddr(name); name == "" || err == nil && ip.IsUnspecified() {
		name = "127.0.0.1"
	}
	return net.JoinHostPort(name, port)
}
