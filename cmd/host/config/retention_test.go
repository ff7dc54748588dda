package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/job"
)

var defaultRetention = job.Retention{HookCalls: 720 * time.Hour, Logs: 168 * time.Hour}

func TestRetention(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]job.Retention{
		`listen: 127.0.0.1:1`:                      defaultRetention,
		`retention: {}`:                            defaultRetention,
		`retention: {runs: 90d, hook_calls: 0}`:    {Runs: 90 * 24 * time.Hour, Logs: 168 * time.Hour},
		`retention: {logs: 1h30m, hook_calls: 0d}`: {Logs: 90 * time.Minute},
		`retention: {runs: "0", logs: 106751d}`:    {HookCalls: 720 * time.Hour, Logs: 106751 * 24 * time.Hour},
	} {
		c, err := parse([]byte(text), "/etc/snaphook", Options{LookupEnv: env(nil)})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, c.Retention); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestRetentionThatMeansNothing(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `retention:
  runs: 7
  hook_calls: -1h
  logs: 106752d
  sessions: 1d
`)
	want := []string{
		`line 2: retention.runs: must be 0, or an age such as 30d or 12h`,
		`line 3: retention.hook_calls: "-1h" is not an age such as 30d or 12h; the least is 1m, and 0 keeps for ever`,
		`line 4: retention.logs: "106752d" is not an age such as 30d or 12h; the least is 1m, and 0 keeps for ever`,
		`line 5: retention.sessions: unknown key; the keys here are runs, hook_calls, logs`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
