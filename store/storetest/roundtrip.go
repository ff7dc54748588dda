package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
)

// The round trips fill every field of a type, whatever fields it may get, and
// expect them all back.
func roundTripTests() []test {
	return []test{
		{"run, session and hook call", finishRoundTrip},
		{"plugin", pluginRoundTrip},
		{"binding", bindingRoundTrip},
	}
}

func finishRoundTrip(t *testing.T, s host.Store) {
	run, session, call := filled[host.Run](), filled[host.Session](), filled[host.HookCall]()
	run.Status, call.Status, call.RunID, call.SessionID = host.RunCompleted, host.HookCallQueued, run.ID, run.SessionID
	run.RootID = run.ID // so that it is created
	call.Releases = 0   // nobody could have given it back
	found := call.Evaluations[0]
	found.RunID, found.HookCallID = run.ID, call.ID
	call.Evaluations[0] = found
	must(t, s.CreateRun(t.Context(), host.NewRun{Run: newRun(run.ID, run.SessionID), Lease: self()}))
	flush(t, s)
	attempt := run
	attempt.Attempt = 1 // the fence of newRun
	must(t, s.FinishRun(t.Context(), host.Finish{Run: attempt, Session: &session, Calls: []host.HookCall{call}}))
	wantEqual(t, attempt, get(s.Run(t.Context(), run.ID))(t))
	wantEqual(t, session, get(s.Session(t.Context(), session.ID))(t))
	wantEqual(t, found, get(s.Evaluation(t.Context(), found.ID))(t))
	call.Evaluations, call.Snapshot = nil, nil // which are read by themselves
	wantEqual(t, call, callOf(t, s, run.ID))
}

func pluginRoundTrip(t *testing.T, s host.Store) {
	plugin := filled[host.Plugin]()
	install(t, s, plugin, "module")
	must(t, s.ActivatePlugin(t.Context(), plugin.Name, plugin.Version, plugin.Grants, plugin.ActivatedAt))
	wantEqual(t, []host.Plugin{plugin}, get(s.Plugins(t.Context()))(t))
}

func bindingRoundTrip(t *testing.T, s host.Store) {
	scope, binding := filled[host.BindingScope](), filled[host.Binding]()
	must(t, s.PutBindings(t.Context(), scope, []host.Binding{binding}))
	want := map[host.BindingScope][]host.Binding{scope: {binding}}
	wantEqual(t, want, get(s.Bindings(t.Context()))(t))
}

// filled returns a T whose every field is set.
func filled[T any]() T {
	var v T
	n := 0
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

// fill sets v, and what it holds, to values that n makes different.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(at(*n)))
		return
	case json.RawMessage:
		v.SetBytes(fmt.Appendf(nil, `{"n":%d,"text":"<&>"}`, *n))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); !holds(field.Type(), v.Type()) {
				fill(field, n)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.Map:
		key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(elem, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, elem)
	default:
		fillScalar(v, *n)
	}
}

// holds reports whether list is one of t: a tree would have no end.
func holds(list, t reflect.Type) bool { return list.Kind() == reflect.Slice && list.Elem() == t }

func fillScalar(v reflect.Value, n int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n))
	case reflect.Func: // is not stored
	case reflect.Float64:
		v.SetFloat(float64(n) + 0.5)
	default:
		panic(fmt.Sprintf("storetest: no value for a %s", v.Type()))
	}
}
