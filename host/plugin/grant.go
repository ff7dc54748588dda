package plugin

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
	"github.com/snaphook-dev/snaphook/runtime"
)

// httpGrant says where a call may send requests: the hosts of the manifest and
// those the configuration names, if the operator granted it; else nil.
func httpGrant(p *host.Plugin, c config) *runtime.HTTPGrant {
	asked := p.Manifest.Permissions.HTTP
	if asked == nil || !slices.Contains(p.Grants, pluginapi.PermissionHTTP) {
		return nil
	}
	hosts := slices.Clone(asked.Hosts)
	for _, key := range asked.HostsFrom {
		if entry, ok := configuredHost(c[key]); ok {
			hosts = append(hosts, entry)
		}
	}
	return &runtime.HTTPGrant{Hosts: hosts}
}

// configuredHost reads a URL, or [scheme://]host[:port], of a binding's
// configuration. Patterns are for the manifest, which the operator reads.
func configuredHost(raw json.RawMessage) (string, bool) {
	var value string
	if json.Unmarshal(raw, &value) != nil || strings.Contains(value, "*") {
		return "", false
	}
	return value, value == "" || runtime.CheckHTTPHost(value) == nil
}

// checkHosts reports configured hosts that can never be allowed.
func checkHosts(m pluginapi.Manifest, path string, c config) []host.Problem {
	asked := m.Permissions.HTTP
	if asked == nil {
		return nil
	}
	var problems []host.Problem
	for _, key := range asked.HostsFrom {
		value, set := c[key]
		if _, ok := configuredHost(value); set && !ok {
			problems = append(problems, host.Problem{
				Path: host.JoinPath(path, key), Message: "must be an http or https URL, or a host: the plugin sends requests there",
			})
		}
	}
	return problems
}
