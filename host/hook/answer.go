package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"

	"github.com/gowebpki/jcs"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// hookError is a hook that gave no valid answer. detail may hold text of the
// guest and is for operators; reason is for everybody.
type hookError struct {
	reason string
	code   string
	detail string
}

// Codes of hook errors beside those of host.CallError.
const (
	codeContextInvalid   = "context_invalid"
	codeVerdictInvalid   = "verdict_invalid"
	codeTransformInvalid = "transform_invalid"
	codeTransformTarget  = "transform_target_forbidden"
)

// answer is what came back from a guest.
type answer struct {
	verdict pluginapi.Verdict
	next    *pluginapi.Context
	err     *hookError
}

// ask hands c to the hook and reads its verdict. It notes logs and duration in
// the record.
func (d *Dispatcher) ask(
	ctx context.Context, h *Hook, c *pluginapi.Context, delivery *pluginapi.Delivery, record *host.HookCall,
) answer {
	if h.Missing {
		return answer{err: &hookError{
			ReasonInterceptorFailed, string(host.CallUnavailable), "the plugin has no active version with this hook",
		}}
	}
	input, err := document(c, h, delivery)
	if err != nil {
		return answer{err: &hookError{ReasonContextInvalid, codeContextInvalid, err.Error()}}
	}
	result, err := d.caller.Call(ctx, host.Call{
		Digest: h.Digest, Export: h.Export, Input: input,
		Config: h.Config, Timeout: h.Timeout, Mode: h.Mode,
	})
	record.DurationMS = milliseconds(result.Duration)
	record.Logs = append(record.Logs, result.Logs...)
	d.relay(ctx, h, record, result.Logs)
	if err != nil {
		return answer{err: callError(host.CallErrorOf(err))}
	}
	return judge(h, result.Output)
}

// relay shows the operator what a hook logged.
func (d *Dispatcher) relay(ctx context.Context, h *Hook, record *host.HookCall, lines []host.LogLine) {
	for _, line := range lines {
		d.log.Log(ctx, levelOf(line.Level), line.Message,
			"hook", h.FullName(), "run_id", record.RunID, "mode", h.Mode)
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

// document is the context as one hook sees it.
func document(c *pluginapi.Context, h *Hook, delivery *pluginapi.Delivery) ([]byte, error) {
	doc := *c
	ext := *c.Extensions.Snaphook
	ext.Config, ext.Mode, ext.Delivery = h.Config, h.Mode, delivery
	doc.Extensions.Snaphook = &ext
	data, err := encode(&doc)
	if err != nil {
		// The error of a RawMessage quotes what it met.
		return nil, errors.New("the context is not valid JSON")
	}
	return data, checkEnvelope(data)
}

func callError(err *host.CallError) *hookError {
	reason := ReasonInterceptorFailed
	if err.Code == host.CallTimeout {
		reason = ReasonInterceptorTimeout
	}
	return &hookError{reason, string(err.Code), err.Message}
}

func transformError(err error) *hookError {
	if errors.Is(err, errTransformForbidden) {
		return &hookError{ReasonTransformForbidden, codeTransformTarget, err.Error()}
	}
	return &hookError{ReasonTransformInvalid, codeTransformInvalid, err.Error()}
}

// judge reads what a guest returned. An empty output allows, except from a
// guardrail, which must answer.
func judge(h *Hook, output []byte) answer {
	if len(bytes.TrimSpace(output)) == 0 {
		if h.Guardrail {
			return answer{err: &hookError{ReasonVerdictInvalid, codeVerdictInvalid, "a guardrail must answer explicitly"}}
		}
		return answer{verdict: pluginapi.Verdict{Decision: pluginapi.Allow}}
	}
	v, err := pluginapi.ParseVerdict(output)
	if err != nil {
		reason := ReasonVerdictInvalid
		if !json.Valid(output) {
			reason = ReasonInterceptorFailed
		}
		return answer{err: &hookError{reason, codeVerdictInvalid, strings.TrimPrefix(err.Error(), "invalid verdict: ")}}
	}
	if len(v.Evidence) > 0 {
		canonical, err := jcs.Transform(v.Evidence)
		if err != nil || len(canonical) > pluginapi.MaxEvidenceBytes {
			return answer{err: &hookError{ReasonVerdictInvalid, codeVerdictInvalid, "evidence is larger than 10240 bytes"}}
		}
	}
	return answer{verdict: v}
}
