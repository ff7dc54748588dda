package hook

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// shared is what all hooks of an emission get of its context, as JSON. It is cut
// before the last members of the host's extension, which are each hook's own.
type shared struct {
	// head ends with the comma before them.
	head []byte
	// state is that of the session, as the context has it.
	state json.RawMessage
	// depth is that of the run.
	depth int
}

// own are those members, in the order of pluginapi.Extension.
type own struct {
	Config       json.RawMessage     `json:"config,omitempty"`
	Mode         pluginapi.Mode      `json:"mode"`
	SessionState json.RawMessage     `json:"session_state,omitempty"`
	Delivery     *pluginapi.Delivery `json:"delivery,omitempty"`
}

// How the own members of a snapshot begin, where the state of the session
// follows, and how every context ends.
const (
	noMode     = `"mode":""`
	stateFirst = `,"session_state":`
	contextEnd = `}}}`
)

// errNotJSON takes the place of the encoder's errors, which quote the context.
var errNotJSON = errors.New("the context is not valid JSON")

func share(c *pluginapi.Context) (shared, error) {
	bare, ext := *c, *c.Extensions.Snaphook
	ext.Config, ext.Mode, ext.SessionState, ext.Delivery = nil, "", nil, nil
	bare.Extensions.Snaphook = &ext
	data, err := encode(&bare)
	head, cut := bytes.CutSuffix(data, []byte(noMode+contextEnd))
	if err != nil || !cut {
		return shared{}, errNotJSON
	}
	return shared{head: head, state: c.Extensions.Snaphook.SessionState, depth: ext.Run.Depth}, nil
}

// with is the context of one hook: a copy of its own.
func (s shared) with(o own) ([]byte, error) {
	members, err := encode(o)
	if err != nil {
		return nil, errNotJSON
	}
	data := make([]byte, 0, len(s.head)+len(members)+len(contextEnd))
	data = append(data, s.head...)
	data = append(data, members[1:len(members)-1]...)
	return append(data, contextEnd...), nil
}

// snapshot is a context to store. It is cut at its only line break: the encoder
// writes none.
func (s shared) snapshot() ([]byte, error) {
	s.head = append(bytes.Clone(s.head), '\n')
	return s.with(own{SessionState: s.state})
}

// readSnapshot returns what was stored, or false when it is anything else.
func readSnapshot(data []byte) (shared, bool) {
	head, rest, cut := bytes.Cut(data, []byte("\n"+noMode))
	rest, ended := bytes.CutSuffix(rest, []byte(contextEnd))
	state, hasState := bytes.CutPrefix(rest, []byte(stateFirst))
	var run storedRun
	if !cut || !ended || !hasState && len(rest) > 0 || json.Unmarshal(data, &run) != nil {
		return shared{}, false
	}
	return shared{head: head, state: state, depth: run.Extensions.Snaphook.Run.Depth}, true
}

// storedRun is what is read of a stored context.
type storedRun struct {
	Extensions struct {
		Snaphook struct {
			Run struct {
				Depth int `json:"depth"`
			} `json:"run"`
		} `json:"snaphook"`
	} `json:"extensions"`
}
