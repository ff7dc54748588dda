// Package snaphooktest runs hooks natively: a hook gets a context, and the test
// sees its verdict, its log and its requests.
package snaphooktest

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

// Host stands in for the host of a hook. The zero value logs, has no
// configuration, answers no request and grants nothing. It is not safe for concurrent use.
type Host struct {
	// Config is the binding's configuration as JSON; empty for none.
	Config string
	// Answer answers HTTP requests; with nil they are errors.
	Answer func(request snaphook.Request) (snaphook.Response, error)
	// KV holds what the plugin keeps; with nil the permission is not granted.
	KV map[string][]byte
	// State is the session's state, a JSON object, which hooks see in the context
	// too; with nil the permission is not granted.
	State json.RawMessage
	// Run runs a component; with nil the permission is not granted.
	Run func(request pluginapi.RunRequest) (snaphook.RunResult, error)

	// Logs are the lines logged so far.
	Logs []Line
	// Requests are the HTTP requests sent so far.
	Requests []snaphook.Request
	// Runs are what components were asked so far, Evaluations what was stored.
	Runs        []pluginapi.RunRequest
	Evaluations []snaphook.Evaluation
}

var _ snaphook.Host = (*Host)(nil)

// Line is one line of a log.
type Line struct {
	Level   snaphook.Level
	Message string
}

// Call hands the context to the hook as the document it would get, adds the
// configuration and the session's state, and reads the verdict as the host would. An error is a failed
// call.
func (h *Host) Call(hook snaphook.Func, context pluginapi.Context) (snaphook.Verdict, error) {
	h.extend(&context)
	document, err := json.Marshal(context)
	if err != nil {
		return snaphook.Verdict{}, fmt.Errorf("write context: %w", err)
	}
	verdict, err := snaphook.Answer(hook, document, h)
	if err != nil {
		return snaphook.Verdict{}, err
	}
	return pluginapi.ParseVerdict(verdict)
}

// extend adds what the binding and the permissions add to a context.
func (h *Host) extend(context *pluginapi.Context) {
	if h.Config == "" && h.State == nil {
		return
	}
	extension := pluginapi.Extension{}
	if context.Extensions.Snaphook != nil {
		extension = *context.Extensions.Snaphook
	}
	if h.Config != "" {
		extension.Config = json.RawMessage(h.Config)
	}
	extension.SessionState = h.State
	context.Extensions.Snaphook = &extension
}

// Log implements snaphook.Host.
func (h *Host) Log(level snaphook.Level, line string) {
	h.Logs = append(h.Logs, Line{Level: level, Message: line})
}

// Send implements snaphook.Host.
func (h *Host) Send(request snaphook.Request) (snaphook.Response, error) {
	h.Requests = append(h.Requests, request)
	if h.Answer == nil {
		return snaphook.Response{}, errors.New("the test answers no requests")
	}
	return h.Answer(request)
}
