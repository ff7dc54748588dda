package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// bindingBody is a binding as it applies; Scope says where it was made.
type bindingBody struct {
	host.Binding
	Scope string `json:"scope"`
}

// The scopes of a bindingBody.
const (
	scopeHost      = "host"
	scopeComponent = "component"
)

type bindingList struct {
	Hooks []bindingBody `json:"hooks"`
}

func (a *api) listHostBindings(w http.ResponseWriter, r *http.Request) error {
	a.writeBindings(w, r, host.HostWide)
	return nil
}

func (a *api) putHostBindings(w http.ResponseWriter, r *http.Request) error {
	return a.putBindings(w, r, host.HostWide)
}

func (a *api) listBindings(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	a.writeBindings(w, r, component.Scope())
	return nil
}

func (a *api) putComponentBindings(w http.ResponseWriter, r *http.Request) error {
	component, err := a.component(r)
	if err != nil {
		return err
	}
	return a.putBindings(w, r, component.Scope())
}

// putBindings replaces the part of a scope's bindings that was made over the
// API, and answers with all that apply now.
func (a *api) putBindings(w http.ResponseWriter, r *http.Request, scope host.BindingScope) error {
	var body putBindingsBody
	if err := readDocument(w, r, &body, []string{"hooks"}, bindingMembers); err != nil {
		return err
	}
	bindings, err := body.bindings()
	if err != nil {
		return err
	}
	if err := a.plugins.PutBindings(r.Context(), scope, bindings); err != nil {
		return err
	}
	a.writeBindings(w, r, scope)
	return nil
}

// writeBindings answers with the bindings that apply in a scope, in the order
// their hooks are called: those of the host, then the component's own.
func (a *api) writeBindings(w http.ResponseWriter, r *http.Request, scope host.BindingScope) {
	list := bindingList{Hooks: []bindingBody{}}
	for _, b := range a.plugins.Bindings(host.HostWide) {
		list.Hooks = append(list.Hooks, bindingBody{Binding: b, Scope: scopeHost})
	}
	if scope != host.HostWide {
		for _, b := range a.plugins.Bindings(scope) {
			list.Hooks = append(list.Hooks, bindingBody{Binding: b, Scope: scopeComponent})
		}
	}
	a.writeJSON(w, r, http.StatusOK, list)
}

// putBindingsBody is the body of a PUT of bindings.
type putBindingsBody struct {
	Hooks *[]putBinding `json:"hooks"`
}

type putBinding struct {
	Plugin   string            `json:"plugin"`
	Hook     string            `json:"hook"`
	Mode     pluginapi.Mode    `json:"mode"`
	Config   json.RawMessage   `json:"config"`
	Timeout  string            `json:"timeout"`
	OnError  pluginapi.OnError `json:"on_error"`
	TopLevel bool              `json:"top_level"`
	Nested   bool              `json:"nested"`
}

var bindingMembers = []string{"plugin", "hook", "mode", "config", "timeout", "on_error", "top_level", "nested"}

// bindings returns the bindings of the body. What they mean is for Plugins to
// judge.
func (b putBindingsBody) bindings() ([]host.Binding, error) {
	if b.Hooks == nil {
		return nil, host.Invalid("hooks", "is missing")
	}
	bindings := make([]host.Binding, len(*b.Hooks))
	var problems []host.Problem
	for i, put := range *b.Hooks {
		bindings[i] = host.Binding{
			Plugin: put.Plugin, Hook: put.Hook, Mode: put.Mode, Config: put.Config,
			OnError: put.OnError, TopLevel: put.TopLevel, Nested: put.Nested, Source: host.SourceAPI,
		}
		at := fmt.Sprintf("hooks[%d].", i)
		if put.Config != nil && !hook.ValidPart(put.Config) { // no hook could be shown it
			problems = append(problems, host.Problem{Path: at + "config", Message: fmt.Sprintf(
				"must be in valid Unicode and nested at most %d levels deep", hook.MaxPartDepth)})
		}
		if put.Timeout == "" {
			continue
		}
		if err := bindings[i].Timeout.UnmarshalText([]byte(put.Timeout)); err != nil {
			problems = append(problems, host.Problem{Path: at + "timeout", Message: err.Error()})
		}
	}
	if len(problems) > 0 {
		return nil, &host.Error{Code: host.CodeInvalid, Message: "The bindings are not valid", Problems: problems}
	}
	return bindings, nil
}
