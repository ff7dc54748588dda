package hook

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// What a context says that names nothing else.
const (
	trialAgent   = "test-agent"
	trialModel   = "test-model"
	trialRun     = "run-1"
	trialSession = "session-1"
	trialCall    = "call-1"
)

// completion makes a whole context of one that leaves out what the host fills
// in.
type completion struct {
	hook     *Hook
	context  *pluginapi.Context
	at       time.Time
	problems []host.Problem
}

// complete returns the context of a trial, or everything that is wrong with what
// was given of it.
func (t Trials) complete(h *Hook, trial host.Trial) (*pluginapi.Context, []host.Problem) {
	c, problems := readPartial(trial.Context)
	if len(problems) > 0 {
		return nil, problems
	}
	x := completion{hook: h, context: c, at: cmp.Or(c.Timestamp, t.dispatcher(nil).now().UTC())}
	given := c.Target
	x.fillEnvelope()
	x.fillExtension()
	x.fillPoint()
	if len(x.problems) == 0 {
		x.check(given)
	}
	return c, x.problems
}

func (x *completion) add(path, format string, args ...any) {
	x.problems = append(x.problems, host.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// need reports what is missing or of the wrong form.
func (x *completion) need(ok bool, path, format string, args ...any) {
	if !ok {
		x.add(path, format, args...)
	}
}

// fill sets what is the zero value.
func fill[T comparable](field *T, value T) { *field = cmp.Or(*field, value) }

func (x *completion) fillEnvelope() {
	c := x.context
	fill(&c.Spec, pluginapi.Spec)
	x.need(c.Spec == pluginapi.Spec, "spec", "must be %s", pluginapi.Spec)
	fill(&c.Point, x.hook.Point)
	x.need(c.Point == x.hook.Point, "interception_point", "the hook is called at %s", x.hook.Point)
	c.Timestamp = x.at
	fill(&c.Sequence, 1)
	x.need(c.Sequence > 0, "sequence", "must not be negative")
	fill(&c.Agent.ID, trialAgent)
	fill(&c.Agent.Framework, pluginapi.Framework)
	fill(&c.Session.ID, trialRun)
	if c.Session.StartedAt == nil {
		c.Session.StartedAt = &x.at
	}
}

func (x *completion) fillExtension() {
	c, h := x.context, x.hook
	if c.Extensions.Snaphook == nil {
		c.Extensions.Snaphook = &pluginapi.Extension{}
	}
	const path = "extensions.snaphook."
	ext := c.Extensions.Snaphook
	x.need(ext.Mode == "" || ext.Mode == h.Mode, path+"mode", "the hook is called in the mode %s", h.Mode)
	x.need(ext.Config == nil || sameJSON(ext.Config, h.Config), path+"config", "is another than the binding's: give one of them")
	x.need(ext.Delivery == nil || h.Mode == pluginapi.ModeBackground, path+"delivery", "is only for the mode %s", pluginapi.ModeBackground)
	x.need(ext.SessionState == nil || h.SessionState, path+"session_state", "is only for plugins with the permission %s",
		pluginapi.PermissionSessionState)
	x.need(ext.SessionState == nil || firstByte(ext.SessionState) == '{', path+"session_state", mustBeAnObject)
	x.need(ext.Run.Depth >= 0 && ext.Run.Depth <= host.MaxDepth, path+"run.depth", "must be between 0 and %d", host.MaxDepth)
	fill(&ext.Component.Kind, string(host.KindAgent))
	fill(&ext.Component.ID, c.Agent.ID)
	fill(&ext.SessionID, trialSession)
	fill(&ext.Run.ID, c.Session.ID)
	fill(&ext.Run.RootID, c.Session.ID)
	fill(&ext.Run.Kind, ext.Component.Kind)
	fill(&ext.Run.Status, string(x.status()))
	fill(&ext.Run.StartedAt, *c.Session.StartedAt)
}

// status is that of a run whose hook is called now: those in the background see
// its end.
func (x *completion) status() host.RunStatus {
	atEnd := x.hook.Point == pluginapi.PointOutput || x.hook.Point == pluginapi.PointAgentShutdown
	if atEnd && x.hook.Mode == pluginapi.ModeBackground {
		return host.RunCompleted
	}
	return host.RunRunning
}

// check finds what is wrong with the whole. given is the target of the trial's
// author, nil for none.
func (x *completion) check(given json.RawMessage) {
	if err := prepare(x.context); err != nil {
		x.add("", "%s", err)
		return
	}
	x.need(given == nil || sameJSON(given, x.context.Target), "target", "is another than the field of the point: leave it out")
}

// sameJSON reports whether two documents mean the same, whatever their spelling.
func sameJSON(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	left, err := decode(a)
	if err != nil {
		return false
	}
	right, err := decode(b)
	return err == nil && reflect.DeepEqual(left, right)
}
