package main

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

func TestLog(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		hook    snaphook.Func
		context pluginapi.Context
		want    string
	}{
		"request": {
			request, snaphooktest.Input("Hello,\n\"you\""),
			`request agent="TestAgent" input="Hello,\n\"you\""`,
		},
		"request with an object": {
			request, snaphooktest.Input(json.RawMessage(`{"a":1}`)),
			`request agent="TestAgent" input="{\"a\":1}"`,
		},
		"response": {
			response, snaphooktest.Output("The secret answer"),
			`response run_id="run-1" agent="TestAgent" session_id="session-1" content_length=17`,
		},
	} {
		var host snaphooktest.Host
		verdict, err := host.Call(tc.hook, tc.context)
		if err != nil || verdict.Decision != pluginapi.Allow {
			t.Errorf("%s: %+v, %v; want allow", name, verdict, err)
		}
		if len(host.Logs) != 1 || host.Logs[0].Message != tc.want {
			t.Errorf("%s: logged %v, want %s", name, host.Logs, tc.want)
		}
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		host := snaphooktest.Host{Config: `{"delay": "1s"}`}
		if _, err := host.Call(response, snaphooktest.Output("an answer")); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != time.Second || len(host.Logs) != 1 {
			t.Errorf("waited %v and logged %v", waited, host.Logs)
		}
	})
}

func TestWrongConfig(t *testing.T) {
	t.Parallel()
	for _, config := range []string{`{"delay": "soon"}`, `{"delay": "-1s"}`, `{"delay": 1}`} {
		host := snaphooktest.Host{Config: config}
		if verdict, err := host.Call(response, snaphooktest.Output("an answer")); err == nil {
			t.Errorf("with %s: %+v, want an error", config, verdict)
		}
	}
}
