package pluginapi

import "time"

// OnError says what a failed hook counts as.
type OnError string

// A failed hook denies unless the binding says otherwise.
const (
	OnErrorDeny  OnError = "deny"
	OnErrorAllow OnError = "allow"
)

// Hook is one exported function of a plugin, at one point.
type Hook struct {
	// Name is unique in the plugin; it defaults to Export, or to Point with
	// ABIWASICommand.
	Name  string `json:"name,omitempty"`
	Point Point  `json:"point"`
	// Export is the function's name; with ABIWASICommand it is ExportStart.
	Export string `json:"export,omitempty"`
	// Mode is empty when the host decides (run_hooks_in_background).
	Mode Mode `json:"mode,omitempty"`
	// Guardrail makes the hook always blocking and always fail-closed.
	Guardrail bool `json:"guardrail,omitempty"`
	// Timeout is the deadline of one call; 0 means the host's default.
	Timeout Duration `json:"timeout,omitzero"`
	// OnError is a proposal: allow takes effect only when the binding says so.
	OnError OnError `json:"on_error,omitempty"`
	// Retry is for background hooks; nil means the host's default.
	Retry *Retry `json:"retry,omitempty"`
}

// Retry says how often and when a failed background call is tried again.
// Zero fields mean the host's default.
type Retry struct {
	MaxAttempts int      `json:"max_attempts,omitempty"`
	Initial     Duration `json:"initial,omitzero"`
	Max         Duration `json:"max,omitzero"`
}

func (h *Hook) setDefaults(abi ABI) {
	name := h.Export
	if abi == ABIWASICommand {
		name = string(h.Point)
		if h.Export == "" {
			h.Export = ExportStart
		}
	}
	if h.Name == "" {
		h.Name = name
	}
}

func (h Hook) check(p *problems, path string, abi ABI) {
	if !validHookName(h.Name) {
		p.add(path+".name", "must match [A-Za-z_][A-Za-z0-9_-]* with at most %d characters", maxNameLen)
	}
	if !h.Point.Valid() {
		p.add(path+".point", "must be one of %s", list(Points()))
	}
	checkExport(p, path+".export", h.Export, abi)
	h.checkMode(p, path)
	h.checkTimeout(p, path)
	h.checkRetry(p, path)
}

// checkExport checks the export of a hook or a tool.
func checkExport(p *problems, path, export string, abi ABI) {
	switch {
	case abi == ABIWASICommand && export != ExportStart:
		p.add(path, "is always %s with the ABI %s: leave it out", ExportStart, abi)
	case abi == ABIExtism && export == "":
		p.add(path, "is missing")
	case abi == ABIExtism && export == ExportStart:
		p.add(path, "%s is only for the ABI %s", ExportStart, ABIWASICommand)
	case !validExport(export):
		p.add(path, "must be printable text of at most %d bytes", maxExportLen)
	}
}

func (h Hook) checkMode(p *problems, path string) {
	if h.Mode != "" && !h.Mode.Valid() {
		p.add(path+".mode", "must be %s or %s", ModeBlocking, ModeBackground)
	}
	if h.Guardrail && h.Mode == ModeBackground {
		p.add(path+".mode", "a guardrail is always blocking")
	}
	if h.OnError != "" && h.OnError != OnErrorDeny && h.OnError != OnErrorAllow {
		p.add(path+".on_error", "must be %s or %s", OnErrorDeny, OnErrorAllow)
	}
	if h.Guardrail && h.OnError == OnErrorAllow {
		p.add(path+".on_error", "a guardrail that fails always denies")
	}
}

// MayBlock reports whether a run may wait for the hook as the manifest marks
// it: an unmarked hook blocks when the host says so.
func (h Hook) MayBlock() bool { return h.Guardrail || h.Mode != ModeBackground }

// MaxTimeout is the longest timeout the hook may have.
func (h Hook) MaxTimeout() time.Duration {
	if h.MayBlock() {
		return MaxBlockingTimeout
	}
	return MaxBackgroundTimeout
}

func (h Hook) checkTimeout(p *problems, path string) {
	limit := h.MaxTimeout()
	switch {
	case h.Timeout < 0:
		p.add(path+".timeout", "must be positive")
	case time.Duration(h.Timeout) > limit && h.MayBlock():
		p.add(path+".timeout", "must be at most %s unless the mode is %s", limit, ModeBackground)
	case time.Duration(h.Timeout) > limit:
		p.add(path+".timeout", "must be at most %s", limit)
	}
}

func (h Hook) checkRetry(p *problems, path string) {
	r := h.Retry
	if r == nil {
		return
	}
	path += ".retry"
	if h.Guardrail || h.Mode == ModeBlocking {
		p.add(path, "is only for hooks that may run in the background")
	}
	if r.MaxAttempts < 0 || r.MaxAttempts > MaxRetryAttempts {
		p.add(path+".max_attempts", "must be between 1 and %d", MaxRetryAttempts)
	}
	if r.Initial < 0 {
		p.add(path+".initial", "must be positive")
	}
	if r.Max < 0 || r.Max > 0 && r.Max < r.Initial {
		p.add(path+".max", "must not be less than initial")
	}
}
