package snaphook

import (
	"encoding/json"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Verdict is what a hook answers.
type Verdict = pluginapi.Verdict

// Warning is a concern that does not change the decision.
type Warning = pluginapi.Warning

// Allow lets the run go on.
func Allow() Verdict { return Verdict{Decision: pluginapi.Allow} }

// Deny refuses: reason is an identifier for programs, message a text for people,
// which may be empty.
func Deny(reason, message string) Verdict {
	return Verdict{Decision: pluginapi.Deny, Reason: reason, Message: message}
}

// ReplaceContent lets the run go on with text instead of the target's content.
func ReplaceContent(text string) Verdict {
	value, err := json.Marshal(text)
	if err != nil { // a string always marshals
		panic(err)
	}
	return ReplaceContentJSON(value)
}

// ReplaceContentJSON is ReplaceContent for any JSON value.
func ReplaceContentJSON(value json.RawMessage) Verdict {
	return Transform("$target.content", value)
}

// Transform lets the run go on with value at path, which is rooted at $target
// and must exist there.
func Transform(path string, value json.RawMessage) Verdict {
	return Verdict{
		Decision:  pluginapi.TransformTo,
		Transform: &pluginapi.Transform{Path: path, Value: value},
	}
}
