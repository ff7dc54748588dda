package plugin

import (
	"fmt"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// askedSecrets are those of the operator's secrets that a manifest names.
type askedSecrets struct {
	all   host.Secrets
	asked []pluginapi.SecretPermission
}

var _ host.Secrets = askedSecrets{}

// Secret returns the value of a secret the plugin asks for.
func (s askedSecrets) Secret(name string) (string, bool) {
	if !slices.ContainsFunc(s.asked, func(p pluginapi.SecretPermission) bool { return p.Name == name }) {
		return "", false
	}
	return s.all.Secret(name)
}

// Names returns the secrets the plugin asks for and the operator has.
func (s askedSecrets) Names() []string {
	var names []string
	for _, p := range s.asked {
		if _, ok := s.all.Secret(p.Name); ok {
			names = append(names, p.Name)
		}
	}
	return names
}

// noSecrets is an operator without any.
type noSecrets struct{}

var _ host.Secrets = noSecrets{}

// Secret knows none.
func (noSecrets) Secret(string) (string, bool) { return "", false }

// Names is empty.
func (noSecrets) Names() []string { return nil }

// checkSecrets refuses, with CodeConflict and their names, secrets that a plugin
// asks for and the operator has not configured.
func (r *Registry) checkSecrets(m pluginapi.Manifest) error {
	var missing []host.Problem
	for i, asked := range m.Permissions.Secrets {
		if _, ok := r.secrets.Secret(asked.Name); !ok {
			missing = append(missing, host.Problem{
				Path:    fmt.Sprintf("permissions.secrets[%d].name", i),
				Message: fmt.Sprintf("the secret %s is not configured: add it to the host's secrets", asked.Name),
			})
		}
	}
	if missing == nil {
		return nil
	}
	return &host.Error{
		Code: host.CodeConflict, Field: "grant", Problems: missing,
		Message: fmt.Sprintf("the plugin %s %s asks for secrets the host does not have", m.Name, m.Version),
	}
}
