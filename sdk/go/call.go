package snaphook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Call is one call of a hook. It is valid until the hook returns.
type Call struct {
	// Context is what the hook judges.
	Context pluginapi.Context
	// Log writes to the log of this call, which the host keeps with its result.
	Log Logger
	// KV keeps values between calls.
	KV KV

	host Host
}

// Content returns the content in the target at the points input, output and
// post_model_call: a JSON string or object, or null from a model that only
// called tools. It is nil where the target has no content.
func (c *Call) Content() json.RawMessage {
	switch c.Context.Point {
	case pluginapi.PointInput, pluginapi.PointOutput, pluginapi.PointPostModelCall:
	default:
		return nil
	}
	var target struct {
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(c.Context.Target, &target) != nil {
		return nil
	}
	return target.Content
}

// Text returns the content as text: a string as it is, null and no content as
// "", anything else as JSON.
func (c *Call) Text() string {
	content := c.Content()
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	return string(content)
}

// AgentName returns the name of the component that runs, or its id when it has
// no name.
func (c *Call) AgentName() string {
	if c.Context.Agent.Name != "" {
		return c.Context.Agent.Name
	}
	return c.Context.Agent.ID
}

// Extension returns what this host says beside the agent-hooks fields; it is
// the zero value on another host.
func (c *Call) Extension() pluginapi.Extension {
	if c.Context.Extensions.Snaphook == nil {
		return pluginapi.Extension{}
	}
	return *c.Context.Extensions.Snaphook
}

// Config reads the binding's configuration into the struct that config points
// to. Keys the binding leaves out keep the values they have; a key that the
// struct does not know, or a value of another type, is an error.
func (c *Call) Config(config any) error {
	raw := c.Extension().Config
	if len(raw) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	err := dec.Decode(config)
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return fmt.Errorf("config: %s must not be a %s", mismatch.Field, mismatch.Value)
	case err != nil:
		return fmt.Errorf("config: %w", err)
	}
	return nil
}

// HTTP sends a request. The plugin needs the permission http for its host.
// Where a header's value, or the path or query of the URL, says secret:NAME the
// host sends the operator's secret of that name instead; the plugin needs the
// permission secrets for it, and never learns the value. Nothing that others
// write may stand there unescaped: it could name a secret too. A status of 400 and more is an answer, not an error. A request the host does not
// permit, or cannot send, does not come back: it ends the call as a failed one.
func (c *Call) HTTP(request Request) (Response, error) {
	if request.URL == "" {
		return Response{}, errors.New("http: the request has no URL")
	}
	if request.Method == "" {
		request.Method = "GET"
	}
	response, err := c.host.Send(request)
	if err != nil {
		return Response{}, fmt.Errorf("http: %w", err)
	}
	return response, nil
}
