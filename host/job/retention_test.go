package job_test

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/host/job/pool"
)

func TestForgetsWhatIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := newMemory()
		fails := true
		store.fail = func(method string) error {
			if method == "Expire" && fails {
				fails = false
				return errors.New("locked")
			}
			return nil
		}
		began := time.Now()
		f := newFixture(t, store, succeeds, func(c *job.Config) {
			c.Retention = job.Retention{HookCalls: 720 * time.Hour, Logs: time.Hour}
		})
		stop := f.start(t)
		pass(2 * time.Minute)
		stop()
		at := func(d time.Duration) host.Retention {
			now := began.Add(d)
			return host.Retention{
				HookCalls: now.Add(-720 * time.Hour), Logs: now.Add(-time.Hour), Events: now.Add(-30 * time.Minute),
			}
		}
		want := []host.Retention{at(time.Minute), at(2 * time.Minute)} // the one at start failed
		if diff := cmp.Diff(want, store.expired); diff != "" {
			t.Errorf("expired (-want +got):\n%s", diff)
		}
	})
}

func TestForgetsOnlyStreamsByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		f := newFixture(t, newMemory(), succeeds, nil)
		stop := f.start(t)
		synctest.Wait()
		stop()
		want := []host.Retention{{Events: began.Add(-30 * time.Minute)}}
		if diff := cmp.Diff(want, f.store.expired); diff != "" {
			t.Errorf("expired (-want +got):\n%s", diff)
		}
	})
}

func TestRetentionMustNotBeNegative(t *testing.T) {
	t.Parallel()
	p, err := pool.New(pool.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = job.New(job.Config{
		Store: newMemory(), Pool: p, Handlers: job.Handlers{HookCall: succeeds}, Node: "node",
		Log: slog.New(slog.DiscardHandler), Retention: job.Retention{Logs: -1},
	})
	if err == nil {
		t.Error("no error")
	}
}
