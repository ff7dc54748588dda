package host

import (
	"encoding/json"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// BindingSource says where a binding was made.
type BindingSource string

// A binding of the configuration is read-only over HTTP.
const (
	SourceConfig BindingSource = "config"
	SourceAPI    BindingSource = "api"
)

// Binding binds a plugin's hooks to a component, or to the whole host. Zero
// fields leave the manifest's values.
type Binding struct {
	Plugin string `json:"plugin"`
	// Hook is empty for all hooks of the plugin.
	Hook    string             `json:"hook,omitempty"`
	Mode    pluginapi.Mode     `json:"mode,omitempty"`
	Config  json.RawMessage    `json:"config,omitempty"`
	Timeout pluginapi.Duration `json:"timeout,omitzero"`
	OnError pluginapi.OnError  `json:"on_error,omitempty"`
	// TopLevel limits a host-wide binding to runs without a parent.
	TopLevel bool `json:"top_level,omitempty"`
	// Nested extends a host-wide binding to runs started by a hook.
	Nested bool          `json:"nested,omitempty"`
	Source BindingSource `json:"source,omitempty"`
}

// BindingScope is what a list of bindings belongs to: a component, or the whole
// host when Component is the zero value.
type BindingScope struct {
	Kind ComponentKind
	ID   string
}

// HostWide is the scope of bindings that apply to every run.
var HostWide = BindingScope{}

// Scope returns the component's scope.
func (c Component) Scope() BindingScope { return BindingScope{Kind: c.Kind, ID: c.ID} }

// BoundPlugin is a binding with the plugin version it means now. Plugin is nil
// when the plugin was never active or is not installed any more: such a binding
// counts as a failed hook.
type BoundPlugin struct {
	Binding Binding
	Plugin  *Plugin
	// Inactive is true when no version is active and Plugin is the last one that
	// was: its hooks are known, and count as failed.
	Inactive bool
}
