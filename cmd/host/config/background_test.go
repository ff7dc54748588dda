package config

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var defaultBackground = Background{Workers: 32, Queue: 1000, Timeout: time.Hour, Drain: 20 * time.Second}

func TestBackground(t *testing.T) {
	t.Parallel()
	some := defaultBackground
	some.Workers, some.Drain = 4, time.Minute
	for text, want := range map[string]Background{
		"":                                      defaultBackground,
		"background: {}":                        defaultBackground,
		"background: {workers: 4, drain: 1m}":   some,
		"background: {queue: 1, timeout: 90s}":  {Workers: 32, Queue: 1, Timeout: 90 * time.Second, Drain: 20 * time.Second},
		"background: {timeout: 24h, drain: 1h}": {Workers: 32, Queue: 1000, Timeout: 24 * time.Hour, Drain: time.Hour},
	} {
		c, err := parse([]byte("listen: 127.0.0.1:0\n"+text), t.TempDir(), Options{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, c.Background); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestBackgroundProblems(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"background: 1":                "line 1: background: must be a mapping, not a number",
		"background: {workers: 0}":     "line 1: background.workers: must be a whole number from 1 to 10000",
		"background: {queue: many}":    "line 1: background.queue: must be a whole number from 1 to 1000000",
		"background: {drain: 2h}":      "line 1: background.drain: must be at most 1h0m0s",
		"background: {timeout: 1000h}": "line 1: background.timeout: must be at most 168h0m0s",
		"background: {size: 1}":        "line 1: background.size: unknown key; the keys here are workers, queue, timeout, drain",
	} {
		_, err := parse([]byte(text), t.TempDir(), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestPostgresStore(t *testing.T) {
	t.Parallel()
	env := func(name string) (string, bool) { return "secret", name == "PASSWORD" }
	for _, store := range []string{
		"postgres://snaphook:secret@db:5432/snaphook",
		"postgres://snaphook@db:5432/snaphook?password=secret&sslmode=disable",
		"postgres:///snaphook?host=/run/postgresql&password=a&password=secret&sslpassword=secret",
		"postgres://snaphook@db/snaphook?password=100%secret",
		"postgres://snaphook@db/snaphook?password=secret;1",
	} {
		text := "store: " + strings.ReplaceAll(store, "secret", "${PASSWORD}")
		c, err := parse([]byte(text), t.TempDir(), Options{LookupEnv: env})
		if err != nil {
			t.Fatal(err)
		}
		if c.Store.Postgres != store || c.Store.SQLite != "" {
			t.Errorf("store = %+v, want %s", c.Store, store)
		}
		if shown := c.Store.String(); strings.Contains(shown, "secret") || !strings.Contains(shown, "/snaphook") {
			t.Errorf("the store is shown as %s", shown)
		}
	}
}
