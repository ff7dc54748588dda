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

// ask hands c to the hook and reads its verdict. It notes logs and duration in
// the record.
func (d *Dispatcher) ask(
	ctx context.Context, h *Hook, c *pluginapi.Context, delivery *pluginapi.Delivery, record *host.HookCall,
) (pluginapi.Verdict, *failure) {
	if h.Missing {
		return pluginapi.Verdict{}, &failure{
			ReasonInterceptorFailed, string(host.CallUnavailable), "the plugin has no active version with this hook",
		}
	}
	input, err := document(c, h, delivery)
	if err != nil {
		return pluginapi.Verdict{}, contextFailure(err.Error())
	}
	result, err := d.call(ctx, host.Call{
		Digest: h.Digest, Export: h.Export, Input: input,
		Config: h.Config, Timeout: h.Timeout, Mode: h.Mode,
	})
	record.DurationMS = milliseconds(result.Duration)
	record.Logs = append(record.Logs, result.Logs...)
	d.relay(ctx, h, record.RunID, result.Logs)
	if err != nil {
		return pluginapi.Verdict{}, callFailure(host.CallErrorOf(err))
	}
	return judge(h, result.Output)
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
func (d *Dispatcher) relay(ctx context.Context, h *Hook, runID string, lines []host.LogLine) {
	for _, line := range lines {
		d.log.Log(ctx, levelOf(line.Level), line.Message, "hook", h.FullName(), "run_id", runID, "mode", h.Mode)
	}
}

// warn shows the operator what a hook warned of.
func (d *Dispatcher) warn(ctx context.Context, h *Hook, runID string, warnings []pluginapi.Warning) {
	for _, w := range warnings {
		d.log.WarnContext(ctx, "hook warned", "hook", h.FullName(), "run_id", runID,
			"reason", w.Reason, "message", cut(w.Message))
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

// document is the context as one hook sees it: its own copy.
func document(c *pluginapi.Context, h *Hook, delivery *pluginapi.Delivery) ([]byte, error) {
	doc := *c
	ext := *c.Extensions.Snaphook
	ext.Config, ext.Mode, ext.Delivery = h.Config, h.Mode, delivery
	doc.Extensions.Snaphook = &ext
	data, err := encode(&doc)
	if err != nil {
		// The encoder's error quotes what it met.
		return nil, errors.New("the context is not valid JSON")
	}
	return data, checkBounds(data)
}

// judge reads what a guest returned. An empty output allows, except from a
// guardrail, which must answer.
func judge(h *Hook, output []byte) (pluginapi.Verdict, *failure) {
	if len(bytes.TrimSpace(output)) == 0 {
		if h.Guardrail {
			return pluginapi.Verdict{}, verdictFailure("a guardrail must answer explicitly")
		}
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
