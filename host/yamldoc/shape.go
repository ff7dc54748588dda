package yamldoc

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// fit turns a node into what encoding/json would decode into a Go type, without
// what does not fit: that becomes a problem, and the zero value.
func (d *Document) fit(path string, n node, t reflect.Type) any {
	if _, known := n.value.(bad); known {
		return nil
	}
	switch {
	case n.value == nil:
		d.drop(path, n.line, "has no value")
		return nil
	case t == reflect.TypeFor[json.RawMessage]():
		return fitAny(n)
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return d.fitText(path, n, t)
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.fit(path, n, t.Elem())
	case reflect.Struct:
		return d.fitStruct(path, n, t)
	case reflect.Map:
		return d.fitMap(path, n, t)
	case reflect.Slice:
		return d.fitSlice(path, n, t)
	case reflect.Int, reflect.Int64:
		return d.fitInteger(path, n)
	case reflect.Bool:
		return fitScalar[bool](d, path, n, "true or false")
	case reflect.String:
		return fitScalar[string](d, path, n, "text")
	}
	panic(fmt.Sprintf("%s: a field of type %s cannot be read", path, t))
}

// mismatch notes that a value has the wrong type.
func (d *Document) mismatch(path string, n node, want string) any {
	have := ""
	switch n.value.(type) {
	case bool:
		have = "true or false"
	case number:
		have = "a number"
	case string:
		have = "text"
	case []node:
		have = "a list"
	case []member:
		have = "an object"
	}
	d.drop(path, n.line, "must be %s, not %s", want, have)
	return nil
}

func fitScalar[T bool | string](d *Document, path string, n node, want string) any {
	if v, ok := n.value.(T); ok {
		return v
	}
	return d.mismatch(path, n, want)
}

func (d *Document) fitText(path string, n node, t reflect.Type) any {
	s, ok := n.value.(string)
	if !ok {
		return d.mismatch(path, n, "text with a unit")
	}
	v, _ := reflect.TypeAssert[encoding.TextUnmarshaler](reflect.New(t))
	if err := v.UnmarshalText([]byte(s)); err != nil {
		d.drop(path, n.line, "%s", err)
		return nil
	}
	return s
}

func (d *Document) fitInteger(path string, n node) any {
	text, ok := n.value.(number)
	if !ok {
		return d.mismatch(path, n, "a number")
	}
	i, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		d.drop(path, n.line, "must be an integer")
		return nil
	}
	return i
}

func (d *Document) fitSlice(path string, n node, t reflect.Type) any {
	items, ok := n.value.([]node)
	if !ok {
		return d.mismatch(path, n, "a list")
	}
	values := make([]any, len(items))
	for i, item := range items {
		values[i] = d.fit(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())
	}
	return values
}

func (d *Document) fitMap(path string, n node, t reflect.Type) any {
	members, ok := n.value.([]member)
	if !ok {
		return d.mismatch(path, n, "an object")
	}
	values := map[string]any{}
	for _, m := range members {
		values[m.key] = d.fit(host.JoinPath(path, m.key), m.value, t.Elem())
	}
	return values
}

func (d *Document) fitStruct(path string, n node, t reflect.Type) any {
	members, ok := n.value.([]member)
	if !ok {
		return d.mismatch(path, n, "an object")
	}
	names, types := fields(t)
	values := map[string]any{}
	for _, m := range members {
		at := host.JoinPath(path, m.key)
		typ, known := types[m.key]
		if !known {
			d.add(at, m.line, "unknown key; known are %s", strings.Join(names, ", "))
			continue
		}
		if v := d.fit(at, m.value, typ); v != nil {
			values[m.key] = v
		}
	}
	return values
}

// fields returns the JSON names of a struct's fields, in order, and their types.
func fields(t reflect.Type) ([]string, map[string]reflect.Type) {
	var names []string
	types := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		types[name] = f.Type
	}
	return names, types
}

// fitAny keeps any value, for a field that holds JSON.
func fitAny(n node) any {
	switch v := n.value.(type) {
	case number:
		return json.Number(v)
	case []node:
		values := make([]any, len(v))
		for i, item := range v {
			values[i] = fitAny(item)
		}
		return values
	case []member:
		values := map[string]any{}
		for _, m := range v {
			values[m.key] = fitAny(m.value)
		}
		return values
	case bad:
		return nil
	}
	return n.value
}
