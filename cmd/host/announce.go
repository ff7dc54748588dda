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
	printf(w, "  store     %s\n", c.Store)
	all := components(c)
	for _, kind := range []host.ComponentKind{host.KindAgent, host.KindTeam, host.KindWorkflow} {
		if names := idsOf(all, kind); names != "" {
			printf(w, "  %-9s %s\n", string(kind)+"s", names)
		}
	}
	if len(all) == 0 {
		printf(w, "  agents    none; add some to the configuration\n")
	}
	if len(c.OfflineModels) > 0 {
		printf(w, "  offline   %s: no API key is set, so no model provider is asked\n", strings.Join(c.OfflineModels, ", "))
	}
	if len(all) > 0 {
		key := ""
		if c.SecurityKey != "" {
			key = ` -H "Authorization: Bearer $SNAPHOOK_SECURITY_KEY"`
		}
		of := all[0] // what the others are for
		printf(w, "\nTry it:\n  curl -N %s/%ss/%s/runs%s -F message='Hello' -F stream=false\n\n", url, of.Kind, of.ID, key)
	}
}

// components are what can be run: workflows, teams, agents.
func components(c *config.Config) []host.Component {
	var all []host.Component
	for i := range c.Workflows {
		all = append(all, c.Workflows[i].Component())
	}
	for i := range c.Teams {
		all = append(all, c.Teams[i].Component())
	}
	for i := range c.Agents {
		all = append(all, c.Agents[i].Component())
	}
	return all
}

// idsOf lists the ids of the components of one kind, "" for none.
func idsOf(all []host.Component, kind host.ComponentKind) string {
	var ids []string
	for _, c := range all {
		if c.Kind == kind {
			ids = append(ids, c.ID)
		}
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
