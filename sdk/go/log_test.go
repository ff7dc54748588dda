package snaphook_test

import (
	"reflect"
	"strings"
	"testing"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

func TestLog(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", snaphook.MaxLogLine)
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"one line":          {"Notification sent!", []string{"Notification sent!"}},
		"several lines":     {"a\r\n\nb\n", []string{"a", "b"}},
		"nothing":           {"", nil},
		"just fits":         {full, []string{full}},
		"too long":          {full + "yz", []string{full, "yz"}},
		"cut before a rune": {full[1:] + "é!", []string{full[1:], "é!"}},
		"no characters":     {strings.Repeat("\x80", snaphook.MaxLogLine+1), []string{strings.Repeat("\x80", snaphook.MaxLogLine), "\x80"}},
	} {
		var host snaphooktest.Host
		try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) { c.Log.Info("%s", tc.text) })
		var got []string
		for _, line := range host.Logs {
			got = append(got, line.Message)
		}
		if !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: logged %q, want %q", name, got, tc.want)
		}
	}
}

func TestLogLevels(t *testing.T) {
	t.Parallel()
	var host snaphooktest.Host
	try(t, &host, snaphooktest.Input("hello"), func(c *snaphook.Call) {
		c.Log.Info("a %d", 1)
		c.Log.Warn("b")
		c.Log.Error("c")
	})
	want := []snaphooktest.Line{
		{Level: snaphook.LevelInfo, Message: "a 1"},
		{Level: snaphook.LevelWarn, Message: "b"},
		{Level: snaphook.LevelError, Message: "c"},
	}
	if !reflect.DeepEqual(host.Logs, want) {
		t.Errorf("logged %v, want %v", host.Logs, want)
	}
}
