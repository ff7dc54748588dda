package host_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func TestMergeState(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ state, patch, want string }{
		{``, `{"a":1}`, `{"a":1}`},
		{`null`, `{"a":null}`, `{}`},
		{`{"a":1,"b":{"x":1}}`, `{"b":{"y":2},"c":"<&>"}`, `{"a":1,"b":{"y":2},"c":"<&>"}`},
		{`{"a":1.50,"b":2}`, `{"b": null, "none": null}`, `{"a":1.50}`},
		{`{"a":1}`, `{}`, `{"a":1}`},
	} {
		got, err := host.MergeState(json.RawMessage(tc.state), json.RawMessage(tc.patch))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s over %s is %s, %v; want %s", tc.patch, tc.state, got, err, tc.want)
		}
	}
}

func TestMergeStateRefuses(t *testing.T) {
	t.Parallel()
	for _, patch := range []string{``, `null`, `[]`, `"a"`, `{"a":`} {
		if _, err := host.MergeState(nil, json.RawMessage(patch)); host.CodeOf(err) != host.CodeInvalid {
			t.Errorf("patch %q: error %v, want invalid", patch, err)
		}
	}
	half := `"` + strings.Repeat("x", host.MaxSessionStateBytes/2) + `"`
	state, err := host.MergeState(nil, json.RawMessage(`{"a":`+half+`}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := host.MergeState(state, json.RawMessage(`{"b":`+half+`}`)); host.CodeOf(err) != host.CodeTooLarge {
		t.Errorf("error %v, want too large", err)
	}
	if _, err := host.MergeState(json.RawMessage(`[]`), json.RawMessage(`{}`)); host.CodeOf(err) != host.CodeInternal {
		t.Errorf("a stored state that is no object: %v", err)
	}
}

func TestRebaseState(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, current, before, after, want string }{
		{"nobody else", `{"a":1}`, `{"a":1}`, `{"a":2}`, `{"a":2}`},
		{"somebody else added", `{"a":1,"b":1}`, `{"a":1}`, `{"a":2}`, `{"a":2,"b":1}`},
		{"somebody else changed", `{"a":9}`, `{"a":1}`, `{"a":1,"c":null}`, `{"a":9,"c":null}`},
		{"both changed", `{"a":9}`, `{"a":1}`, `{"a":2}`, `{"a":2}`},
		{"removed", `{"a":1,"b":1}`, `{"a":1}`, ``, `{"b":1}`},
		{"spelled otherwise", `{"a":9}`, `{"a": [1, 2]}`, `{"a":[1,2]}`, `{"a":9}`},
		{"new", ``, ``, `{"a":1}`, `{"a":1}`},
	} {
		got, err := host.RebaseState(json.RawMessage(tc.current), json.RawMessage(tc.before), json.RawMessage(tc.after))
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: %s, %v; want %s", tc.name, got, err, tc.want)
		}
	}
	if _, err := host.RebaseState(nil, json.RawMessage(`7`), nil); err == nil {
		t.Error("a state that is a number was taken")
	}
}
