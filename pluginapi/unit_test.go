package pluginapi_test

import (
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		size    pluginapi.Size
		written string
	}{
		"512":     {512, "512"},
		"7B":      {7, "7"},
		"256KiB":  {256 << 10, "256KiB"},
		"16MiB":   {16 << 20, "16MiB"},
		"2GiB":    {2 << 30, "2GiB"},
		"1024":    {1024, "1KiB"},
		"1024MiB": {1 << 30, "1GiB"},
		"1025":    {1025, "1025"},
	} {
		var s pluginapi.Size
		if err := s.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if s != want.size || s.String() != want.written {
			t.Errorf("%s is %d, written %s; want %d, %s", text, s, s, want.size, want.written)
		}
	}
}

func TestSizeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "0MiB", "-1", "-1KiB", "MiB", "16 MiB", "16MB", "16mib", "1.5MiB", "9223372036854775807KiB", "99999999999999999999"} {
		var s pluginapi.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d, want an error", text, s)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"250ms": 250 * time.Millisecond,
		"5m":    5 * time.Minute,
		"1h30m": 90 * time.Minute,
		"1.5s":  1500 * time.Millisecond,
	} {
		var d, again pluginapi.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if time.Duration(d) != want {
			t.Errorf("%s is %s", text, time.Duration(d))
		}
		written, err := d.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalText(written); err != nil || again != d {
			t.Errorf("%s is read back as %d, %v; want %d", written, again, err, d)
		}
	}
}

func TestDurationRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "0", "0s", "-1s", "250", "1 s", "1day", "soon"} {
		var d pluginapi.Duration
		if err := d.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d, want an error", text, d)
		}
	}
}

func TestPoints(t *testing.T) {
	t.Parallel()
	points := pluginapi.Points()
	if len(points) != 8 {
		t.Fatalf("%d points, want 8", len(points))
	}
	for _, p := range points {
		if !p.Valid() {
			t.Errorf("%s is not valid", p)
		}
		edge := p == pluginapi.PointAgentStartup || p == pluginapi.PointAgentShutdown
		if p.AllowsTransform() == edge {
			t.Errorf("%s: AllowsTransform is %t", p, !edge)
		}
	}
	for _, p := range []pluginapi.Point{"", "INPUT", "outputs"} {
		if p.Valid() || p.AllowsTransform() {
			t.Errorf("%q is taken for a point", p)
		}
	}
}
