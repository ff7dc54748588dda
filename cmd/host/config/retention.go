package config

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/snaphook-dev/snaphook/host/job"
)

// How long things are kept unless the file says otherwise; runs are for ever.
const (
	DefaultHookCallRetention = 30 * day
	DefaultLogRetention      = 7 * day

	day = 24 * time.Hour
)

func (l *loader) retention(parent *mapping, c *Config) {
	c.Retention = job.Retention{HookCalls: DefaultHookCallRetention, Logs: DefaultLogRetention}
	parent.read("retention", func(n *node) {
		m := l.mapping(n)
		m.read("runs", func(n *node) { c.Retention.Runs = l.age(n) })
		m.read("hook_calls", func(n *node) { c.Retention.HookCalls = l.age(n) })
		m.read("logs", func(n *node) { c.Retention.Logs = l.age(n) })
		m.close()
	})
}

// days is an age in whole days.
var days = regexp.MustCompile(`^([0-9]{1,6})d$`)

// age is 0 for ever, or a text such as 30d, 12h or 90m.
func (l *loader) age(n *node) time.Duration {
	if v, ok := n.value.(uint64); ok && v == 0 {
		return 0
	}
	if n.kind != kindText {
		l.problem(n, "must be 0, or an age such as 30d or 12h")
		return 0
	}
	text := l.text(n)
	if found := days.FindStringSubmatch(text); found != nil {
		count, err := strconv.ParseInt(found[1], 10, 64)
		if err == nil && time.Duration(count) <= math.MaxInt64/day {
			return time.Duration(count) * day
		}
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < 0 || age > 0 && age < time.Minute {
		l.problem(n, "%q is not an age such as 30d or 12h; the least is 1m, and 0 keeps for ever", text)
		return 0
	}
	return age
}
