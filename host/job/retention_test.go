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
		pass(20 * time.Minute)
		stop()
		at := func(d time.Duration) host.Retention {
			return host.Retention{HookCalls: began.Add(d - 720*time.Hour), Logs: began.Add(d - time.Hour)}
		}
		want := []host.Retention{at(10 * time.Minute), at(20 * time.Minute)} // the one at start failed
		if diff := cmp.Diff(want, store.expired); diff != "" {
			t.Errorf("expired (-want +got):\n%s", diff)
		}
	})
}

func TestForgetsNothingByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, newMemory(), succeeds, nil)
		stop := f.start(t)
		pass(time.Hour)
		stop()
		if n := f.store.count("Expire"); n != 0 {
			t.Errorf("expired %d times", n)
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
