package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/snaphook-dev/snaphook/host"
)

// differences lists where a value lacks what is wanted: a path for each member
// that is another. An object may have more members than are wanted; a list is
// exactly as it is wanted. A value that is not there equals an empty one.
func differences(want, got json.RawMessage) []string {
	return differ("", decodeNumbers(want), decodeNumbers(got))
}

// answerDifferences is differences for the answer of a hook: its evaluations may
// have more members than are wanted, and are as many as are wanted.
func answerDifferences(want, got json.RawMessage) []string {
	const path = "evaluations"
	members, _ := decodeNumbers(want).(map[string]any)
	have, _ := decodeNumbers(got).(map[string]any)
	wanted, named := members[path].([]any)
	if !named {
		return differ("", members, have)
	}
	evaluations, _ := have[path].([]any)
	delete(members, path)
	return append(differ("", members, have), differEach(path, wanted, evaluations)...)
}

func differEach(path string, want, got []any) []string {
	if len(want) != len(got) {
		return []string{path}
	}
	var all []string
	for i := range want {
		all = append(all, differ(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])...)
	}
	return all
}

func differ(path string, want, got any) []string {
	members, ok := want.(map[string]any)
	have, both := got.(map[string]any)
	if !ok || !both {
		if same(want, got) {
			return nil
		}
		return []string{path}
	}
	var all []string
	for _, key := range slices.Sorted(maps.Keys(members)) {
		value, there := have[key]
		if !there && isEmpty(members[key]) {
			continue
		}
		all = append(all, differ(host.JoinPath(path, key), members[key], value)...)
	}
	return all
}

// same compares two values; numbers by what they mean.
func same(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && sameNumber(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, same)
	}
	return reflect.DeepEqual(a, b)
}

// sameNumber compares as most languages would: as 64-bit floats, where they fit.
func sameNumber(a, b json.Number) bool {
	left, err := strconv.ParseFloat(string(a), 64)
	right, _ := strconv.ParseFloat(string(b), 64)
	return a == b || err == nil && left == right
}

// isEmpty reports whether a value is what a missing one means.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// decodeNumbers decodes JSON and keeps the text of numbers; nil for what is no
// JSON.
func decodeNumbers(data json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}
