package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// pluginBody is one version of a plugin.
type pluginBody struct {
	Name         string                   `json:"name"`
	Version      string                   `json:"version"`
	Digest       string                   `json:"digest"`
	Status       string                   `json:"status"`
	Description  string                   `json:"description,omitempty"`
	ABI          pluginapi.ABI            `json:"abi"`
	Hooks        []pluginapi.Hook         `json:"hooks"`
	Tools        []pluginapi.ToolFunction `json:"tools"`
	Permissions  pluginapi.Permissions    `json:"permissions"`
	Grants       []pluginapi.Permission   `json:"grants"`
	Limits       pluginapi.Limits         `json:"limits"`
	ConfigSchema json.RawMessage          `json:"config_schema,omitempty"`
	Tests        testsBody                `json:"tests"`
	ModuleSize   int64                    `json:"module_size"`
	CreatedAt    time.Time                `json:"created_at"`
}

// testsBody says what came of the manifest's tests.
type testsBody struct {
	Count  int              `json:"count"`
	Result host.TestsResult `json:"result"`
}

// pluginVersions is a plugin with all its versions; Active is null when none is,
// Quarantine when its background calls are made as they come.
type pluginVersions struct {
	Name       string           `json:"name"`
	Active     *string          `json:"active"`
	Quarantine *host.Quarantine `json:"quarantine"`
	Versions   []pluginBody     `json:"versions"`
}

// installPlugin stores an uploaded plugin: 201 for a new version, 200 for bytes
// that are there already.
func (a *api) installPlugin(w http.ResponseWriter, r *http.Request) error {
	leave, err := a.admitUpload(r)
	if err != nil {
		return err
	}
	defer leave()
	parts, err := readUpload(w, r)
	if err != nil {
		return err
	}
	installed, err := a.plugins.Install(r.Context(), parts["manifest"], parts["module"])
	if err != nil {
		return err
	}
	status := http.StatusOK
	if installed.Created {
		status = http.StatusCreated
	}
	a.writeJSON(w, r, status, newPluginBody(installed.Plugin))
	return nil
}

// activatePlugin makes a version the one new runs use, with the permissions the
// operator grants.
func (a *api) activatePlugin(w http.ResponseWriter, r *http.Request) error {
	query := newQueryDecoder(r)
	force := query.bool("force")
	if err := query.err(); err != nil {
		return err
	}
	var body struct {
		Grant []pluginapi.Permission `json:"grant"`
	}
	if err := readDocument(w, r, &body, []string{"grant"}); err != nil {
		return err
	}
	activated, err := a.plugins.Activate(r.Context(), pathVar(r, "name"), pathVar(r, "version"), body.Grant, force)
	if err != nil {
		return err
	}
	a.jobs.EndQuarantine(activated.Name) // its failures were those of what was active before
	a.writeJSON(w, r, http.StatusOK, newPluginBody(activated))
	return nil
}

// deactivatePlugin leaves a plugin without an active version.
func (a *api) deactivatePlugin(w http.ResponseWriter, r *http.Request) error {
	query := newQueryDecoder(r)
	force := query.bool("force")
	if err := query.err(); err != nil {
		return err
	}
	p, err := a.plugins.Deactivate(r.Context(), pathVar(r, "name"), pathVar(r, "version"), force)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newPluginBody(p))
	return nil
}

// deletePlugin deletes a version of a plugin.
func (a *api) deletePlugin(w http.ResponseWriter, r *http.Request) error {
	query := newQueryDecoder(r)
	force := query.bool("force")
	if err := query.err(); err != nil {
		return err
	}
	name := pathVar(r, "name")
	if err := a.plugins.Delete(r.Context(), name, pathVar(r, "version"), force); err != nil {
		return err
	}
	if _, err := a.plugins.Versions(name); err != nil {
		a.jobs.EndQuarantine(name) // nobody could end it any more
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) listPlugins(w http.ResponseWriter, r *http.Request) error {
	at, err := pageOf(r)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newList(a.plugins.Plugins(), at, newPluginBody))
	return nil
}

func (a *api) showPlugin(w http.ResponseWriter, r *http.Request) error {
	name := pathVar(r, "name")
	versions, err := a.plugins.Versions(name)
	if err != nil {
		return err
	}
	body := pluginVersions{Name: name, Quarantine: a.jobs.Quarantine(name)}
	for _, v := range versions {
		body.Versions = append(body.Versions, newPluginBody(v))
		if v.Active {
			body.Active = &v.Version
		}
	}
	a.writeJSON(w, r, http.StatusOK, body)
	return nil
}

// resetQuarantine lets the background calls of a plugin be made again.
func (a *api) resetQuarantine(w http.ResponseWriter, r *http.Request) error {
	name := pathVar(r, "name")
	if _, err := a.plugins.Versions(name); err != nil {
		return err
	}
	a.jobs.EndQuarantine(name)
	return a.showPlugin(w, r)
}

func (a *api) showVersion(w http.ResponseWriter, r *http.Request) error {
	version, err := a.plugins.Plugin(pathVar(r, "name"), pathVar(r, "version"))
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newPluginBody(version))
	return nil
}

func newPluginBody(p host.Plugin) pluginBody {
	m := p.Manifest.WithDefaults()
	body := pluginBody{
		Name: p.Name, Version: p.Version, Digest: p.Digest, Status: "inactive",
		Description: m.Description, ABI: m.ABI, Hooks: notNil(m.Hooks), Tools: notNil(m.Tools),
		Permissions: m.Permissions, Grants: notNil(p.Grants), Limits: m.Limits, ConfigSchema: m.ConfigSchema,
		Tests:      testsBody{Count: len(m.Tests), Result: p.Tests},
		ModuleSize: p.ModuleSize, CreatedAt: p.CreatedAt.UTC(),
	}
	if p.Active {
		body.Status = "active"
	}
	return body
}

// notNil returns the list; none is an empty one.
func notNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
