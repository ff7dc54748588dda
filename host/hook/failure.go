package hook

import (
	"errors"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Reasons only the host gives (agent-hooks/0.1 §11).
const (
	ReasonContextInvalid     = pluginapi.ReservedPrefix + "context_invalid"
	ReasonNoInterceptor      = pluginapi.ReservedPrefix + "no_interceptor"
	ReasonInterceptorFailed  = pluginapi.ReservedPrefix + "interceptor_failed"
	ReasonInterceptorTimeout = pluginapi.ReservedPrefix + "interceptor_timeout"
	ReasonVerdictInvalid     = pluginapi.ReservedPrefix + "verdict_invalid"
	ReasonTransformInvalid   = pluginapi.ReservedPrefix + "transform_invalid"
	ReasonTransformForbidden = pluginapi.ReservedPrefix + "transform_target_forbidden"
)

// Codes of failures beside those of host.CallError.
const (
	codeContextInvalid     = "context_invalid"
	codeVerdictInvalid     = "verdict_invalid"
	codeTransformInvalid   = "transform_invalid"
	codeTransformForbidden = "transform_target_forbidden"
)

// failure is a hook that gave no valid answer. detail may hold text of the
// guest and is for operators; reason is for everybody.
type failure struct {
	reason string
	code   string
	detail string
}

// ofHost reports a failure that is not the hook's: no binding can let it pass.
func (f *failure) ofHost() bool { return f.reason == ReasonContextInvalid }

func (f *failure) hookError() *host.HookError {
	return &host.HookError{Code: f.code, Message: f.detail}
}

func contextFailure(detail string) *failure {
	return &failure{ReasonContextInvalid, codeContextInvalid, detail}
}

func verdictFailure(detail string) *failure {
	return &failure{ReasonVerdictInvalid, codeVerdictInvalid, detail}
}

func callFailure(err *host.CallError) *failure {
	reason := ReasonInterceptorFailed
	if err.Code == host.CallTimeout {
		reason = ReasonInterceptorTimeout
	}
	return &failure{reason, string(err.Code), err.Message}
}

func transformFailure(err error) *failure {
	if errors.Is(err, errTransformForbidden) {
		return &failure{ReasonTransformForbidden, codeTransformForbidden, err.Error()}
	}
	return &failure{ReasonTransformInvalid, codeTransformInvalid, err.Error()}
}
