package snaphook_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

// try runs use inside a call at the host, and fails the test on an error.
func try(t *testing.T, host *snaphooktest.Host, context pluginapi.Context, use func(c *snaphook.Call)) {
	t.Helper()
	_, err := host.Call(func(c *snaphook.Call) (snaphook.Verdict, error) {
		use(c)
		return snaphook.Allow(), nil
	}, context)
	if err != nil {
		t.Fatal(err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	toolCall := snaphooktest.Input("")
	toolCall.Point, toolCall.Target = pluginapi.PointPreToolCall, json.RawMessage(`{"content":"an argument"}`)
	noTarget := snaphooktest.Input("")
	noTarget.Target = json.RawMessage(`[1]`)
	for name, tc := range map[string]struct {
		context pluginapi.Context
		want    string
	}{
		"input":        {snaphooktest.Input("a\n\"b\" ü"), "a\n\"b\" ü"},
		"output":       {snaphooktest.Output("answer"), "answer"},
		"object":       {snaphooktest.Output(json.RawMessage(`{"n":1.50}`)), `{"n":1.50}`},
		"null":         {snaphooktest.Output(nil), ""},
		"other point":  {toolCall, ""},
		"other target": {noTarget, ""},
	} {
		try(t, &snaphooktest.Host{}, tc.context, func(c *snaphook.Call) {
			if got := c.Text(); got != tc.want {
				t.Errorf("%s: Text = %q, want %q", name, got, tc.want)
			}
		})
	}
}

func TestContentIsNilWithoutOne(t *testing.T) {
	t.Parallel()
	context := snaphooktest.Input("hello")
	context.Target = json.RawMessage(`{"role":"user"}`)
	try(t, &snaphooktest.Host{}, context, func(c *snaphook.Call) {
		if got := c.Content(); got != nil {
			t.Errorf("Content = %s, want nil", got)
		}
	})
}

func TestAgentName(t *testing.T) {
	t.Parallel()
	context := snaphooktest.Input("hello")
	for _, want := range []string{snaphooktest.AgentName, snaphooktest.AgentID} {
		try(t, &snaphooktest.Host{}, context, func(c *snaphook.Call) {
			if got := c.AgentName(); got != want {
				t.Errorf("AgentName = %q, want %q", got, want)
			}
		})
		context.Agent.Name = ""
	}
}

func TestExtensionOfAnotherHost(t *testing.T) {
	t.Parallel()
	context := snaphooktest.Input("hello")
	context.Extensions.Snaphook = nil
	try(t, &snaphooktest.Host{}, context, func(c *snaphook.Call) {
		if got := c.Extension(); !reflect.DeepEqual(got, pluginapi.Extension{}) {
			t.Errorf("Extension = %+v, want the zero value", got)
		}
	})
}

type config struct {
	URL  string `json:"url"`
	Mask bool   `json:"mask"`
}

func TestConfig(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		document  string
		want      config
		wantError string
	}{
		{"", config{URL: "default"}, ""},
		{`{"mask": true}`, config{URL: "default", Mask: true}, ""},
		{`{"url": "https://example.com"}`, config{URL: "https://example.com"}, ""},
		{`{"maks": true}`, config{URL: "default"}, `config: json: unknown field "maks"`},
		{`{"mask": "yes"}`, config{URL: "default"}, "config: mask must not be a string"},
	} {
		host := snaphooktest.Host{Config: tc.document}
		try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
			got := config{URL: "default"}
			err := c.Config(&got)
			if got != tc.want || (err == nil) != (tc.wantError == "") || err != nil && err.Error() != tc.wantError {
				t.Errorf("Config(%s) = %+v, %v; want %+v, %s", tc.document, got, err, tc.want, tc.wantError)
			}
		})
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	host := snaphooktest.Host{Answer: func(snaphook.Request) (snaphook.Response, error) {
		return snaphook.Response{Status: 204}, nil
	}}
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		response, err := c.HTTP(snaphook.Request{URL: "https://example.com", Body: []byte("x")})
		if err != nil || response.Status != 204 || !response.OK() {
			t.Errorf("HTTP = %+v, %v; want 204", response, err)
		}
	})
	want := []snaphook.Request{{Method: "GET", URL: "https://example.com", Body: []byte("x")}}
	if !reflect.DeepEqual(host.Requests, want) {
		t.Errorf("sent %+v, want %+v", host.Requests, want)
	}
}

func TestHTTPErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	host := snaphooktest.Host{Answer: func(snaphook.Request) (snaphook.Response, error) {
		return snaphook.Response{}, broken
	}}
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		if _, err := c.HTTP(snaphook.Request{URL: "https://example.com"}); !errors.Is(err, broken) {
			t.Errorf("HTTP error = %v, want it to wrap the host's", err)
		}
		if _, err := c.HTTP(snaphook.Request{}); err == nil || !strings.Contains(err.Error(), "no URL") {
			t.Errorf("HTTP without URL: %v", err)
		}
	})
	if len(host.Requests) != 1 {
		t.Errorf("%d requests were sent, want 1", len(host.Requests))
	}
}

func TestOK(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{0: false, 199: false, 200: true, 299: true, 301: false, 500: false} {
		if got := (snaphook.Response{Status: status}).OK(); got != want {
			t.Errorf("OK of %d = %t", status, got)
		}
	}
}
