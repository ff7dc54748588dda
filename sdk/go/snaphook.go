// Package snaphook is what Snaphook hooks are written with in Go.
//
// A hook is a function that gets a Call and answers a Verdict. An export of the
// plugin hands it to Run:
//
//	//go:wasmexport check_input
//	func checkInput() int32 { return snaphook.Run(check) }
//
//	func check(c *snaphook.Call) (snaphook.Verdict, error) {
//		if strings.Contains(c.Text(), "password") {
//			return snaphook.Deny("secret", "Do not send passwords."), nil
//		}
//		return snaphook.Allow(), nil
//	}
//
//	func main() {}
//
// and the plugin is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o plugin.wasm .
//
// Outside of Wasm the package compiles too, so a hook's logic has ordinary
// tests: see the package snaphooktest.
package snaphook

import "encoding/json"

// Host is what a hook reaches outside its sandbox. Hooks use it through Call;
// it is exported so that tests can stand in for it.
type Host interface {
	// Log keeps one line of at most MaxLogLine bytes.
	Log(level Level, line string)
	// Send sends an HTTP request.
	Send(request Request) (Response, error)
	// Value returns what the plugin keeps under a key, or false.
	Value(key string) (value []byte, found bool, err error)
	// SetValue keeps a value under a key.
	SetValue(key string, value []byte) error
	// DeleteValue deletes a key, if it is there.
	DeleteValue(key string) error
	// SessionState returns the session's state, a JSON object.
	SessionState() (json.RawMessage, error)
	// MergeSessionState lays the members of a JSON object over it.
	MergeSessionState(patch json.RawMessage) error
	// RunComponent runs a component: it gets a pluginapi.RunRequest and returns a
	// pluginapi.RunResult, both JSON.
	RunComponent(request json.RawMessage) (json.RawMessage, error)
	// Evaluate stores a pluginapi.Evaluation, as JSON.
	Evaluate(evaluation json.RawMessage) error
}
