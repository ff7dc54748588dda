package pluginapi

import (
	"encoding/json"
	"slices"
)

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
	ABI   ABI    `json:"abi,omitempty"`
	Hooks []Hook `json:"hooks,omitempty"`
	// Tools are functions that agents and workflows may call. A plugin has a hook or
	// a tool, or both.
	Tools        []ToolFunction  `json:"tools,omitempty"`
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

// ExportStart is the export of every hook and tool of a wasi-command.
const ExportStart = "_start"

// WithDefaults returns a copy in which the ABI and the exports and names of the
// hooks and the tools are filled in. Two manifests that mean the same are equal afterwards.
func (m Manifest) WithDefaults() Manifest {
	if m.ABI == "" {
		m.ABI = ABIExtism
	}
	m.Hooks = slices.Clone(m.Hooks)
	for i := range m.Hooks {
		m.Hooks[i].setDefaults(m.ABI)
	}
	m.Tools = slices.Clone(m.Tools)
	for i := range m.Tools {
		m.Tools[i].setDefaults(m.ABI)
	}
	return m
}

// Validate returns everything that is wrong with the manifest, or nil. It fills
// in the defaults itself.
func (m Manifest) Validate() []Problem {
	m = m.WithDefaults()
	var p problems
	m.checkIdentity(&p)
	m.checkHooks(&p)
	m.checkTools(&p)
	m.Permissions.check(&p, configKeys(m.ConfigSchema))
	if m.ConfigSchema != nil && !isObject(m.ConfigSchema) {
		p.add("config_schema", "must be an object")
	}
	m.Limits.check(&p)
	m.checkTests(&p)
	return p
}

func (m Manifest) checkIdentity(p *problems) {
	if m.ManifestVersion != ManifestVersion {
		p.add("manifest_version", "must be %d", ManifestVersion)
	}
	if !validPluginName(m.Name) {
		p.add("name", "must match [a-z][a-z0-9-]* with at most %d characters", maxNameLen)
	}
	if !validVersion(m.Version) {
		p.add("version", "must be a semantic version such as 1.2.0")
	}
	if m.ABI != ABIExtism && m.ABI != ABIWASICommand {
		p.add("abi", "must be %s or %s", ABIExtism, ABIWASICommand)
	}
}

func (m Manifest) checkHooks(p *problems) {
	if len(m.Hooks) == 0 && len(m.Tools) == 0 {
		p.add("hooks", "needs at least one hook, or tools at least one tool")
	}
	seen := map[string]bool{}
	for i, h := range m.Hooks {
		path := item("hooks", i)
		h.check(p, path, m.ABI)
		if h.Name != "" && seen[h.Name] {
			p.add(path+".name", "%q is used by an earlier hook", cut(h.Name))
		}
		seen[h.Name] = true
	}
}

// configKeys returns the properties a config schema declares, nil without a
// schema that can be read.
func configKeys(schema json.RawMessage) map[string]json.RawMessage {
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	s.Properties = map[string]json.RawMessage{}
	if json.Unmarshal(schema, &s) != nil {
		return nil
	}
	return s.Properties
}
