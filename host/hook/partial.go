package hook

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// maxUnknown bounds how many unknown members of a context are reported.
const maxUnknown = 20

// readPartial decodes what is given of a context. A member the context does not
// have is wrong: it would change nothing, and its author would not know.
func readPartial(raw json.RawMessage) (*pluginapi.Context, []host.Problem) {
	c := new(pluginapi.Context)
	if len(raw) == 0 {
		return c, nil
	}
	if firstByte(raw) != '{' {
		return nil, []host.Problem{{Message: "must be an object"}}
	}
	if problems := unknownMembers("", raw, reflect.TypeFor[pluginapi.Context]()); len(problems) > 0 {
		return nil, problems[:min(len(problems), maxUnknown)]
	}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, []host.Problem{decodeProblem(err)}
	}
	return c, nil
}

func decodeProblem(err error) host.Problem {
	var typ *json.UnmarshalTypeError
	var clock *time.ParseError
	switch {
	case errors.As(err, &typ):
		return host.Problem{Path: typ.Field, Message: "must not be a " + typ.Value}
	case errors.As(err, &clock):
		return host.Problem{Message: "a time must be written as 2026-01-02T15:04:05Z"}
	}
	return host.Problem{Message: "is not JSON"}
}

// unknownMembers lists the members of a value that its type has no field for.
// What has the wrong form altogether is for the decoder to say.
func unknownMembers(path string, raw json.RawMessage, t reflect.Type) []host.Problem {
	switch {
	case t.Kind() == reflect.Pointer:
		return unknownMembers(path, raw, t.Elem())
	case t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]():
		return unknownFields(path, raw, t)
	case t.Kind() == reflect.Slice && t != reflect.TypeFor[json.RawMessage]():
		var items []json.RawMessage
		_ = json.Unmarshal(raw, &items)
		var problems []host.Problem
		for i, item := range items {
			problems = append(problems, unknownMembers(fmt.Sprintf("%s[%d]", path, i), item, t.Elem())...)
		}
		return problems
	}
	return nil
}

func unknownFields(path string, raw json.RawMessage, t reflect.Type) []host.Problem {
	types := map[string]reflect.Type{}
	var names []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
		types[name] = f.Type
	}
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members)
	var problems []host.Problem
	for _, name := range slices.Sorted(maps.Keys(members)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		if typ, known := types[name]; known {
			problems = append(problems, unknownMembers(at, members[name], typ)...)
			continue
		}
		if len(problems) < maxUnknown {
			problems = append(problems, host.Problem{Path: cut(at), Message: "unknown key; known are " + strings.Join(names, ", ")})
		}
	}
	return problems
}
