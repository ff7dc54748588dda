package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/gowebpki/jcs"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// question is what one hook is asked.
type question struct {
	hook *Hook
	// shared makes what the hook gets beside its own.
	shared func() (shared, error)
	// delivery is nil for a blocking hook.
	delivery *pluginapi.Delivery
	services host.Services
}

// ask puts the question and reads the verdict. It notes logs and duration in the
// record, and what the hook found once it has answered.
func (d *Dispatcher) ask(ctx context.Context, q question, record *host.HookCall) (pluginapi.Verdict, *failure) {
	h := q.hook
	if h.Missing {
		return pluginapi.Verdict{}, &failure{
			ReasonInterceptorFailed, string(host.CallUnavailable), "the plugin has no active version with this hook",
		}
	}
	input, depth, err := q.document(ctx)
	if err != nil {
		return pluginapi.Verdict{}, contextFailure(err.Error())
	}
	found := d.newFindings(record, q.services.Runner)
	result, err := d.call(ctx, host.Call{
		Digest: h.Digest, Export: h.Export, Input: input,
		Config: h.Config, Timeout: h.Timeout, Mode: h.Mode, Depth: depth, Services: found.services(q.services),
	})
	record.DurationMS = milliseconds(result.Duration)
	record.Logs = append(record.Logs, result.Logs...)
	d.relay(ctx, h, record, result.Logs)
	if err != nil {
		return pluginapi.Verdict{}, callFailure(host.CallErrorOf(err))
	}
	verdict, failed := judge(h, result.Output)
	if failed == nil {
		record.Evaluations = found.evaluations
	}
	return verdict, failed
}

// call calls the guest. A panic of the caller counts as a hook that failed: it
// ends neither the run nor the process.
func (d *Dispatcher) call(ctx context.Context, call host.Call) (result host.CallResult, err error) {
	defer func() {
		if v := recover(); v != nil {
			d.log.ErrorContext(ctx, "hook call panicked", "digest", call.Digest, "export", call.Export,
				"panic", v, "stack", string(debug.Stack()))
			err = &host.CallError{Code: host.CallFailed, Message: "the host failed while it made the call"}
		}
	}()
	return d.caller.Call(ctx, call)
}

// relay shows the operator what a hook logged.
func (d *Dispatcher) relay(ctx context.Context, h *Hook, record *host.HookCall, lines []host.LogLine) {
	if len(lines) == 0 {
		return
	}
	log := d.logOf(h, record)
	for _, line := range lines {
		log.Log(ctx, levelOf(line.Level), line.Message)
	}
}

// logOf names the call in what is logged of it.
func (d *Dispatcher) logOf(h *Hook, record *host.HookCall) *slog.Logger {
	return d.log.With("hook", h.FullName(), "mode", h.Mode,
		"run_id", record.RunID, "session_id", record.SessionID, "hook_call_id", record.ID)
}

// warn shows the operator what a hook warned of.
func (d *Dispatcher) warn(ctx context.Context, h *Hook, record *host.HookCall, warnings []pluginapi.Warning) {
	for _, w := range warnings {
		d.logOf(h, record).WarnContext(ctx, "hook warned", "reason", w.Reason, "message", cut(w.Message))
	}
}

func levelOf(name string) slog.Level {
	switch name {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// document is the context as the hook sees it, its own copy, and the depth of the
// run.
func (q question) document(ctx context.Context) (data []byte, depth int, err error) {
	s, err := q.shared()
	if err != nil {
		return nil, 0, err
	}
	state, err := q.sessionState(ctx, s)
	if err != nil {
		return nil, 0, errors.New("the session's state cannot be read")
	}
	data, err = s.with(own{
		Config: q.hook.Config, Mode: q.hook.Mode, SessionState: state, Delivery: q.delivery,
	})
	if err != nil {
		return nil, 0, err
	}
	return data, s.depth, checkBounds(data)
}

// sessionState is what the hook sees of it, nil without the permission: as the
// hooks before it left it, or as it was in the snapshot.
func (q question) sessionState(ctx context.Context, s shared) (json.RawMessage, error) {
	switch {
	case !q.hook.SessionState:
		return nil, nil
	case q.delivery != nil || q.services.SessionState == nil:
		return s.state, nil
	}
	return q.services.SessionState.Get(ctx)
}

// plainAllow is the verdict that most calls come to, and needs no decoder.
const plainAllow = `{"decision":"allow"}`

// judge reads what a guest returned. An empty output allows, except from a
// guardrail, which must answer.
func judge(h *Hook, output []byte) (pluginapi.Verdict, *failure) {
	switch text := bytes.TrimSpace(output); {
	case len(text) == 0 && h.Guardrail:
		return pluginapi.Verdict{}, verdictFailure("a guardrail must answer explicitly")
	case len(text) == 0 || string(text) == plainAllow:
		return pluginapi.Verdict{Decision: pluginapi.Allow}, nil
	}
	v, err := pluginapi.ParseVerdict(output)
	if err != nil {
		f := verdictFailure(strings.TrimPrefix(err.Error(), pluginapi.ErrVerdict.Error()+": "))
		if !json.Valid(output) {
			f.reason = ReasonInterceptorFailed // it did not answer at all
		}
		return pluginapi.Verdict{}, f
	}
	if len(v.Evidence) == 0 {
		return v, nil
	}
	canonical, err := jcs.Transform(v.Evidence)
	switch {
	case err != nil:
		return pluginapi.Verdict{}, verdictFailure("evidence has no canonical form")
	case len(canonical) > pluginapi.MaxEvidenceBytes:
		return pluginapi.Verdict{}, verdictFailure("evidence is larger than 10240 bytes")
	}
	return v, nil
}

func milliseconds(t time.Duration) float64 { return float64(t.Microseconds()) / 1000 }
