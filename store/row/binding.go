package row

import "github.com/snaphook-dev/snaphook/host"

// BindingColumns are what ScanBindings takes.
const BindingColumns = `component_kind, component_id, doc`

// Bindings is the bindings of one scope.
type Bindings struct {
	Scope host.BindingScope
	List  []host.Binding
}

// ScanBindings reads the bindings of one scope.
func ScanBindings(r Scanner) (Bindings, error) {
	var (
		b   Bindings
		doc []byte
	)
	if err := r.Scan(&b.Scope.Kind, &b.Scope.ID, &doc); err != nil {
		return b, err
	}
	err := decode(doc, &b.List, "bindings")
	return b, err
}

// BindingsByScope returns the bindings of each scope.
func BindingsByScope(all []Bindings) map[host.BindingScope][]host.Binding {
	byScope := make(map[host.BindingScope][]host.Binding, len(all))
	for _, b := range all {
		byScope[b.Scope] = b.List
	}
	return byScope
}
