package pluginapi

import (
	"encoding/json"
	"strings"
)

// Permissions is what a plugin asks for; nil fields are not asked for. Each
// carries the reason the operator reads before granting it.
type Permissions struct {
	HTTP         *HTTPPermission         `json:"http,omitempty"`
	KV           *KVPermission           `json:"kv,omitempty"`
	SessionState *SessionStatePermission `json:"session_state,omitempty"`
	Run          *RunPermission          `json:"run,omitempty"`
	Secrets      []SecretPermission      `json:"secrets,omitempty"`
}

// Permission names one of the permissions.
type Permission string

// The permissions a manifest may ask for.
const (
	PermissionHTTP         Permission = "http"
	PermissionKV           Permission = "kv"
	PermissionSessionState Permission = "session_state"
	PermissionRun          Permission = "run"
	PermissionSecrets      Permission = "secrets"
)

// Names returns the permissions asked for, in a fixed order.
func (p Permissions) Names() []Permission {
	var names []Permission
	if p.HTTP != nil {
		names = append(names, PermissionHTTP)
	}
	if p.KV != nil {
		names = append(names, PermissionKV)
	}
	if p.SessionState != nil {
		names = append(names, PermissionSessionState)
	}
	if p.Run != nil {
		names = append(names, PermissionRun)
	}
	if len(p.Secrets) > 0 {
		names = append(names, PermissionSecrets)
	}
	return names
}

// HTTPPermission lets a hook send requests. Hosts are [scheme://]host[:port],
// https by default, where host may be *.suffix; HostsFrom names config keys whose value in the binding is a
// URL or host that is allowed too.
type HTTPPermission struct {
	Hosts     []string `json:"hosts,omitempty"`
	HostsFrom []string `json:"hosts_from,omitempty"`
	Reason    string   `json:"reason"`
}

// KVPermission lets a hook keep values between calls. MaxBytes 0 means the
// host's default.
type KVPermission struct {
	MaxBytes int64  `json:"max_bytes,omitempty"`
	Reason   string `json:"reason"`
}

// SessionStatePermission lets a hook see, or write, the session's state.
type SessionStatePermission struct {
	// Access is AccessRead or AccessWrite.
	Access string `json:"access"`
	Reason string `json:"reason"`
}

// What a SessionStatePermission may ask for.
const (
	AccessRead  = "read"
	AccessWrite = "write"
)

// RunPermission lets a hook run components of this host. Components are names as
// ParseComponent reads them; ComponentsFrom names config keys whose value in the
// binding is one.
type RunPermission struct {
	Components     []string `json:"components,omitempty"`
	ComponentsFrom []string `json:"components_from,omitempty"`
	Reason         string   `json:"reason"`
}

// SecretPermission lets a hook use one secret of the operator's.
type SecretPermission struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Reasons returns the reason of each permission asked for, by name. Secrets are
// joined, each with the secret it is for.
func (p Permissions) Reasons() map[Permission]string {
	reasons := map[Permission]string{}
	if p.HTTP != nil {
		reasons[PermissionHTTP] = p.HTTP.Reason
	}
	if p.KV != nil {
		reasons[PermissionKV] = p.KV.Reason
	}
	if p.SessionState != nil {
		reasons[PermissionSessionState] = p.SessionState.Reason
	}
	if p.Run != nil {
		reasons[PermissionRun] = p.Run.Reason
	}
	if len(p.Secrets) > 0 {
		each := make([]string, len(p.Secrets))
		for i, s := range p.Secrets {
			each[i] = s.Name + ": " + s.Reason
		}
		reasons[PermissionSecrets] = strings.Join(each, "; ")
	}
	return reasons
}

// check reports what is wrong. keys are the properties the config schema
// declares, nil when there is no schema.
func (p Permissions) check(out *problems, keys map[string]json.RawMessage) {
	const path = "permissions"
	if p.HTTP != nil {
		p.HTTP.check(out, path+".http", keys)
	}
	if p.KV != nil {
		p.KV.check(out, path+".kv")
	}
	if p.SessionState != nil {
		p.SessionState.check(out, path+".session_state")
	}
	if p.Run != nil {
		p.Run.check(out, path+".run", keys)
	}
	seen := map[string]bool{}
	for i, s := range p.Secrets {
		at := item(path+".secrets", i)
		s.check(out, at)
		if s.Name != "" && seen[s.Name] {
			out.add(at+".name", "%q is asked for already", cut(s.Name))
		}
		seen[s.Name] = true
	}
}

func (p *HTTPPermission) check(out *problems, path string, keys map[string]json.RawMessage) {
	checkReason(out, path, p.Reason)
	if len(p.Hosts) == 0 && len(p.HostsFrom) == 0 {
		out.add(path, "names no host: set hosts or hosts_from")
	}
	for i, entry := range p.Hosts {
		if !validHTTPHost(entry) {
			out.add(item(path+".hosts", i), "must be [http[s]://]host[:port] and nothing else of a URL")
		}
	}
	checkConfigKeys(out, path+".hosts_from", p.HostsFrom, keys)
}

func (p *KVPermission) check(out *problems, path string) {
	checkReason(out, path, p.Reason)
	if p.MaxBytes < 0 || p.MaxBytes > MaxKVBytes {
		out.add(path+".max_bytes", "must be between 1 and %d", MaxKVBytes)
	}
}

func (p *SessionStatePermission) check(out *problems, path string) {
	checkReason(out, path, p.Reason)
	if p.Access != AccessRead && p.Access != AccessWrite {
		out.add(path+".access", "must be %s or %s", AccessRead, AccessWrite)
	}
}

func (p *RunPermission) check(out *problems, path string, keys map[string]json.RawMessage) {
	checkReason(out, path, p.Reason)
	if len(p.Components) == 0 && len(p.ComponentsFrom) == 0 {
		out.add(path, "names no component: set components or components_from")
	}
	for i, name := range p.Components {
		if _, err := ParseComponent(name); err != nil {
			out.add(item(path+".components", i), "%q %s", cut(name), err)
		}
	}
	checkConfigKeys(out, path+".components_from", p.ComponentsFrom, keys)
}

func (p SecretPermission) check(out *problems, path string) {
	checkReason(out, path, p.Reason)
	if !validSecretName(p.Name) {
		out.add(path+".name", "must match [A-Z_][A-Z0-9_]* with at most %d characters", maxNameLen)
	}
}

func checkReason(out *problems, path, reason string) {
	if strings.TrimSpace(reason) == "" {
		out.add(path+".reason", "is missing: the operator reads it before granting")
	}
}

func checkConfigKeys(out *problems, path string, names []string, keys map[string]json.RawMessage) {
	for i, name := range names {
		_, declared := keys[name]
		switch {
		case name == "":
			out.add(item(path, i), "is empty")
		case keys != nil && !declared:
			out.add(item(path, i), "%q is not a property of config_schema", cut(name))
		}
	}
}
