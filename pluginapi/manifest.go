package pluginapi

import "encoding/json"

// ManifestVersion is the manifest format this package reads.
const ManifestVersion = 1

// Manifest describes a plugin: what it is called, which hooks it exports and
// what it wants to be allowed (plugin.yaml).
type Manifest struct {
	ManifestVersion int `json:"manifest_version"`
	// Name matches [a-z][a-z0-9-]* and has at most 63 characters.
	Name string `json:"name"`
	// Version is a semantic version. Name and version never change their bytes.
	Version     string `json:"version"`
	Description string `json:"description,omitempty"`
	// ABI defaults to ABIExtism.
	ABI          ABI             `json:"abi,omitempty"`
	Hooks        []Hook          `json:"hooks"`
	Permissions  Permissions     `json:"permissions,omitzero"`
	ConfigSchema json.RawMessage `json:"config_schema,omitempty"`
	Limits       Limits          `json:"limits,omitzero"`
	Tests        []Test          `json:"tests,omitempty"`
}

// ABI says how the host talks to the module.
type ABI string

// The guest ABIs.
const (
	ABIExtism      ABI = "extism"
	ABIWASICommand ABI = "wasi-command"
)

// OnError says what a failed hook counts as.
type OnError string

// A failed hook denies unless the binding says otherwise.
const (
	OnErrorDeny  OnError = "deny"
	OnErrorAllow OnError = "allow"
)

// Hook is one exported function of a plugin, at one point.
type Hook struct {
	// Name is unique in the plugin; it defaults to Export.
	Name   string `json:"name,omitempty"`
	Point  Point  `json:"point"`
	Export string `json:"export,omitempty"`
	// Mode is empty when the host decides (run_hooks_in_background).
	Mode Mode `json:"mode,omitempty"`
	// Guardrail makes the hook always blocking and always fail-closed.
	Guardrail bool `json:"guardrail,omitempty"`
	// Timeout is the deadline of one call; 0 means the host's default.
	Timeout Duration `json:"timeout,omitzero"`
	// OnError is a proposal: allow takes effect only when the binding says so.
	OnError OnError `json:"on_error,omitempty"`
	// Retry is for background hooks; nil means the host's default.
	Retry *Retry `json:"retry,omitempty"`
}

// Retry says how often and when a failed background call is tried again.
// Zero fields mean the host's default.
type Retry struct {
	MaxAttempts int      `json:"max_attempts,omitempty"`
	Initial     Duration `json:"initial,omitzero"`
	Max         Duration `json:"max,omitzero"`
}

// Limits bound one call. Zero fields mean the host's default.
type Limits struct {
	Memory Size `json:"memory,omitzero"`
	Output Size `json:"output,omitzero"`
}

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
// https by default; HostsFrom names config keys whose value in the binding is a
// URL or host that is allowed too.
type HTTPPermission struct {
	Hosts     []string `json:"hosts,omitempty"`
	HostsFrom []string `json:"hosts_from,omitempty"`
	Reason    string   `json:"reason"`
}

// KVPermission lets a hook keep values between calls.
type KVPermission struct {
	MaxBytes int64  `json:"max_bytes,omitempty"`
	Reason   string `json:"reason"`
}

// SessionStatePermission lets a hook see, or write, the session's state.
type SessionStatePermission struct {
	// Access is read or write.
	Access string `json:"access"`
	Reason string `json:"reason"`
}

// RunPermission lets a hook run components of this host.
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

// Test is a case the host runs at upload: a plugin that fails its own tests is
// refused.
type Test struct {
	Name string `json:"name,omitempty"`
	Hook string `json:"hook"`
	// Context may leave out what the host fills in.
	Context json.RawMessage `json:"context"`
	// Want matches the members it names.
	Want json.RawMessage `json:"want"`
	// Config is the binding's configuration for this case.
	Config json.RawMessage `json:"config,omitempty"`
	// HTTP and KV answer the host services; what is not stubbed fails.
	HTTP []HTTPStub        `json:"http,omitempty"`
	KV   map[string]string `json:"kv,omitempty"`
}

// HTTPStub is the answer to one request of a test.
type HTTPStub struct {
	URL    string `json:"url"`
	Status int    `json:"status,omitempty"`
	Body   string `json:"body,omitempty"`
}
