package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

const target = "https://example.com/token/notify"

func messages(host snaphooktest.Host) []string {
	var all []string
	for _, line := range host.Logs {
		all = append(all, line.Message)
	}
	return all
}

func answer(status int) func(snaphook.Request) (snaphook.Response, error) {
	return func(snaphook.Request) (snaphook.Response, error) {
		return snaphook.Response{Status: status}, nil
	}
}

func TestNotifyPosts(t *testing.T) {
	t.Parallel()
	context := snaphooktest.Output("an answer")
	context.Extensions.Snaphook.Delivery = &pluginapi.Delivery{IdempotencyKey: "key-1", Attempt: 2}
	host := snaphooktest.Host{Config: `{"url": "` + target + `"}`, Answer: answer(201)}
	verdict, err := host.Call(notify, context)
	if err != nil || verdict.Decision != pluginapi.Allow {
		t.Fatalf("notify = %+v, %v; want allow", verdict, err)
	}
	want := []snaphook.Request{{
		Method: "POST", URL: target,
		Header: map[string]string{"Content-Type": "application/json", "Idempotency-Key": "key-1"},
		Body:   []byte(`{"run_id":"run-1","agent":"TestAgent","session_id":"session-1","content":"an answer"}`),
	}}
	if !reflect.DeepEqual(host.Requests, want) {
		t.Errorf("sent %+v, want %+v", host.Requests, want)
	}
	if got := messages(host); !reflect.DeepEqual(got, []string{"Notification sent!"}) {
		t.Errorf("logged %q", got)
	}
}

func TestNotifyWithoutDeliveryHasNoKey(t *testing.T) {
	t.Parallel()
	host := snaphooktest.Host{Config: `{"url": "` + target + `"}`, Answer: answer(200)}
	if _, err := host.Call(notify, snaphooktest.Output(json.RawMessage(`{"n":1.50}`))); err != nil {
		t.Fatal(err)
	}
	sent := host.Requests[0]
	if key, ok := sent.Header["Idempotency-Key"]; ok {
		t.Errorf("Idempotency-Key is %q, want none", key)
	}
	if !strings.HasSuffix(string(sent.Body), `"content":{"n":1.50}}`) {
		t.Errorf("body = %s, want the object as it is", sent.Body)
	}
}

func TestNotifyFailsWithTheReceiver(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 301, 404, 503} {
		host := snaphooktest.Host{Config: `{"url": "` + target + `"}`, Answer: answer(status)}
		_, err := host.Call(notify, snaphooktest.Output("an answer"))
		if err == nil || strings.Contains(err.Error(), "token") {
			t.Errorf("status %d: error %v, want one without the URL", status, err)
		}
		if len(host.Logs) != 0 {
			t.Errorf("status %d: logged %q, want nothing", status, messages(host))
		}
	}
}

func TestNotifyWaitsAndLogsWithoutURL(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		host := snaphooktest.Host{Config: `{"delay": "3s"}`}
		if _, err := host.Call(notify, snaphooktest.Output("an answer")); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(start); waited != 3*time.Second {
			t.Errorf("waited %v, want 3s", waited)
		}
		want := []string{
			`no url, would send: {"run_id":"run-1","agent":"TestAgent","session_id":"session-1","content":"an answer"}`,
			"Notification sent!",
		}
		if got := messages(host); !reflect.DeepEqual(got, want) {
			t.Errorf("logged %q, want %q", got, want)
		}
	})
}

func TestNotifyRefusesABadConfig(t *testing.T) {
	t.Parallel()
	for _, config := range []string{`{"delay": "soon"}`, `{"delay": "-1s"}`, `{"delay": 3}`, `{"uri": "x"}`, `{"url": 1}`} {
		host := snaphooktest.Host{Config: config}
		if _, err := host.Call(notify, snaphooktest.Output("an answer")); err == nil || !strings.HasPrefix(err.Error(), "config: ") {
			t.Errorf("%s: error %v, want one about the config", config, err)
		}
	}
}
