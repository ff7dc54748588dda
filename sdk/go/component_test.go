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

func TestRunComponent(t *testing.T) {
	t.Parallel()
	result := snaphook.RunResult{RunID: "r", SessionID: "s", Status: pluginapi.RunCompleted, Content: json.RawMessage(`{"a":1}`)}
	host := snaphooktest.Host{Run: func(pluginapi.RunRequest) (snaphook.RunResult, error) { return result, nil }}
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		got, err := c.RunComponent(snaphook.RunRequest{
			Component: "team:judges", Input: "a < b", OutputSchema: map[string]string{"type": "object"},
		})
		if err != nil || !reflect.DeepEqual(got, result) {
			t.Errorf("RunComponent = %+v, %v; want %+v", got, err, result)
		}
		if _, err := c.RunComponent(snaphook.RunRequest{Component: "j", Input: map[string]int{"n": 1}}); err != nil {
			t.Error(err)
		}
	})
	want := []pluginapi.RunRequest{
		{Component: "team:judges", Input: json.RawMessage(`"a < b"`), OutputSchema: json.RawMessage(`{"type":"object"}`)},
		{Component: "j", Input: json.RawMessage(`{"n":1}`)},
	}
	if !reflect.DeepEqual(host.Runs, want) {
		t.Errorf("asked %s, want %s", host.Runs, want)
	}
}

func TestRunComponentFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("unavailable: broken")
	host := snaphooktest.Host{Run: func(pluginapi.RunRequest) (snaphook.RunResult, error) { return snaphook.RunResult{}, broken }}
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		for want, request := range map[string]snaphook.RunRequest{
			"run j: unavailable: broken":                         {Component: "j", Input: "x"},
			"run j: input must be a string or an object":         {Component: "j", Input: 7},
			"run: write request: json: unsupported type: func()": {Component: "j", Input: func() {}},
		} {
			if _, err := c.RunComponent(request); err == nil || err.Error() != want {
				t.Errorf("RunComponent: %v, want %s", err, want)
			}
		}
	})
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	var host snaphooktest.Host
	score := 7.5
	found := snaphook.Evaluation{Score: &score, Passed: true, Input: json.RawMessage(`"<i>"`)}
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		if err := c.Evaluate(found); err != nil {
			t.Error(err)
		}
		large := snaphook.Evaluation{Reason: strings.Repeat("x", pluginapi.MaxEvaluationBytes)}
		if err := c.Evaluate(large); !errors.Is(err, snaphook.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		if err := c.Evaluate(snaphook.Evaluation{Output: json.RawMessage(`[]`)}); err == nil {
			t.Error("a list was stored as output")
		}
	})
	if want := []snaphook.Evaluation{found}; !reflect.DeepEqual(host.Evaluations, want) {
		t.Errorf("stored %+v, want %+v", host.Evaluations, want)
	}
}
