package snaphook_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

func TestKV(t *testing.T) {
	t.Parallel()
	host := snaphooktest.Host{KV: map[string][]byte{"old": []byte("1")}}
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		if value, found, err := c.KV.Get("old"); err != nil || !found || string(value) != "1" {
			t.Errorf("Get = %q, %t, %v", value, found, err)
		}
		if value, found, err := c.KV.Get("new"); err != nil || found || value != nil {
			t.Errorf("Get of a missing key = %q, %t, %v", value, found, err)
		}
		for _, err := range []error{c.KV.Set("new", []byte("2")), c.KV.Set("empty", nil), c.KV.Delete("old"), c.KV.Delete("none")} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	want := map[string][]byte{"new": []byte("2"), "empty": nil}
	if !reflect.DeepEqual(host.KV, want) {
		t.Errorf("kept %q, want %q", host.KV, want)
	}
}

func TestSessionState(t *testing.T) {
	t.Parallel()
	host := snaphooktest.Host{State: json.RawMessage(`{"a":1,"b":null}`)}
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		if err := c.MergeSessionState(map[string]any{"a": nil, "c": "d"}); err != nil {
			t.Error(err)
		}
		if state, err := c.SessionState(); err != nil || string(state) != `{"b":null,"c":"d"}` {
			t.Errorf("SessionState = %s, %v", state, err)
		}
		if got := string(c.Extension().SessionState); got != `{"a":1,"b":null}` {
			t.Errorf("the context has %s", got)
		}
		if err := c.MergeSessionState([]int{1}); err == nil {
			t.Error("a list was merged")
		}
		if err := c.MergeSessionState(func() {}); err == nil {
			t.Error("a function was merged")
		}
	})
}

func TestServicesNotGranted(t *testing.T) {
	t.Parallel()
	try(t, &snaphooktest.Host{}, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		_, _, get := c.KV.Get("k")
		_, state := c.SessionState()
		_, run := c.RunComponent(snaphook.RunRequest{Component: "judge", Input: "hello"})
		for name, err := range map[string]error{
			"run": run, "get": get, "set": c.KV.Set("k", nil), "delete": c.KV.Delete("k"),
			"state": state, "merge": c.MergeSessionState(struct{}{}),
		} {
			if !errors.Is(err, snaphook.ErrNotGranted) {
				t.Errorf("%s: %v, want ErrNotGranted", name, err)
			}
		}
	})
}

func TestReplies(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]struct {
		value string
		found bool
		err   string
		is    error
	}{
		"":                          {},
		"=":                         {found: true},
		"=!x":                       {value: "!x", found: true},
		"!not_granted: kv: no":      {err: "kv: no", is: snaphook.ErrNotGranted},
		"!too_large: 9 bytes":       {err: "9 bytes", is: snaphook.ErrTooLarge},
		"!conflict: it is over":     {err: "conflict: it is over"},
		"!":                         {err: ""},
		"{\"from\":\"the future\"}": {err: "the host answered what this SDK does not know"},
	} {
		value, found, err := snaphook.ReadReply([]byte(reply))
		failed := err != nil
		if string(value) != want.value || found != want.found || failed != (reply != "" && reply[0] != '=') {
			t.Errorf("%q is %q, %t, %v", reply, value, found, err)
		}
		if failed && (err.Error() != want.err || want.is != nil && !errors.Is(err, want.is)) {
			t.Errorf("%q is the error %v, want %s", reply, err, want.err)
		}
	}
}
