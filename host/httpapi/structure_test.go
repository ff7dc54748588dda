package httpapi

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// streamStructure is, for each frame, its name and the keys of its data. Steps of a
// parallel are shown one after the other: they go on at once.
func streamStructure(t *testing.T, stream string) []string {
	t.Helper()
	frames := strings.Split(strings.TrimSpace(stream), "\n\n")
	first := slices.IndexFunc(frames, insideStep)
	if first >= 0 {
		end := first + slices.IndexFunc(frames[first:], func(f string) bool { return !insideStep(f) })
		slices.SortStableFunc(frames[first:end], func(a, b string) int { return cmp.Compare(placeOf(a), placeOf(b)) })
	}
	for i, frame := range frames {
		name, data, _ := strings.Cut(strings.TrimPrefix(frame, "event: "), "\ndata: ")
		keys := structure(t, data)
		frames[i] = name + " " + keys[1:len(keys)-1]
	}
	return frames
}

func insideStep(frame string) bool { return strings.Contains(frame, `"parent_step_id":`) }

// placeOf is the step a frame is of, by its place.
func placeOf(frame string) string {
	_, place, _ := strings.Cut(frame, `"step_index":`)
	place, _, _ = strings.Cut(place, "]")
	return place
}

// bodyStructure has a line for each key of a body, and one before each item of a list.
func bodyStructure(t *testing.T, body string) []string {
	t.Helper()
	var items []json.RawMessage
	if json.Unmarshal([]byte(body), &items) != nil {
		return keysOf(t, json.RawMessage(body))
	}
	var lines []string
	for _, item := range items {
		lines = append(append(lines, "-"), keysOf(t, item)...)
	}
	return lines
}

// structure is a JSON document without its values: {key key{…} key[…]}.
func structure(t *testing.T, doc string) string {
	t.Helper()
	raw := json.RawMessage(doc)
	switch doc[0] {
	case '{':
		return "{" + strings.Join(keysOf(t, raw), " ") + "}"
	case '[':
		var items []json.RawMessage
		must(t, json.Unmarshal(raw, &items))
		all := make([]string, len(items))
		for i, item := range items {
			all[i] = cmp.Or(structure(t, string(item)), "_")
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return ""
}

// opaque are the keys whose values are somebody else's.
var opaque = []string{"session_state", "metadata", "tool_args", "parameters"}

// keysOf are the keys of an object, in their order, with what is in them.
func keysOf(t *testing.T, raw json.RawMessage) []string {
	t.Helper()
	members := json.NewDecoder(strings.NewReader(string(raw)))
	_, err := members.Token()
	must(t, err)
	keys := []string{}
	for members.More() {
		name, err := members.Token()
		must(t, err)
		var value json.RawMessage
		must(t, members.Decode(&value))
		key := name.(string)
		if !slices.Contains(opaque, key) {
			key += structure(t, string(value))
		}
		keys = append(keys, key)
	}
	return keys
}
