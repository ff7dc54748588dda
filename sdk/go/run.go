package snaphook

import (
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Func is a hook. An error, a panic and a verdict without a decision all make
// the call a failed one: of a blocking hook the host takes it for a deny, a
// background hook is tried again.
type Func func(c *Call) (Verdict, error)

// Run runs a hook in an export of a plugin: it reads the context, writes the
// verdict and returns what the export must return, 0 for success and 1 for a
// failed call. Outside of Wasm there is no host to read from, and it panics.
func Run(hook Func) int32 {
	var g guest
	output, err := Answer(hook, g.input(), g)
	if err != nil {
		g.fail(err.Error())
		return 1
	}
	g.output(output)
	return 0
}

// Answer runs a hook on one context document and returns its verdict document.
// It is Run without the reading and writing. A panic of the hook becomes an
// error, its stack is logged. A verdict that the host would not take is an
// error that wraps pluginapi.ErrVerdict.
func Answer(hook Func, document []byte, host Host) (verdict []byte, err error) {
	call := &Call{Log: Logger{host}, KV: KV{host}, host: host}
	defer func() {
		if reason := recover(); reason != nil {
			call.Log.Error("%s", debug.Stack())
			verdict, err = nil, fmt.Errorf("panic: %v", reason)
		}
	}()
	if err := json.Unmarshal(document, &call.Context); err != nil {
		return nil, fmt.Errorf("read context: %w", err)
	}
	answer, err := hook(call)
	if err != nil {
		return nil, err
	}
	return encode(answer)
}

// encode writes a verdict and reads it as the host will.
func encode(answer Verdict) ([]byte, error) {
	verdict, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("write verdict: %w", err)
	}
	if _, err := pluginapi.ParseVerdict(verdict); err != nil {
		return nil, err
	}
	return verdict, nil
}
