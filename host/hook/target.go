package hook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// errTransformInvalid is a path that does not resolve, or a value that does not
// fit; errTransformForbidden a path or a point that may not be rewritten.
var (
	errTransformInvalid   = errors.New("the transform does not fit the target")
	errTransformForbidden = errors.New("the transform is not rooted at $target, or the point allows none")
)

// targetOf returns the field of the context that a transform may change
// (agent-hooks/0.1 §3).
func targetOf(c *pluginapi.Context) (any, error) {
	switch c.Point {
	case pluginapi.PointAgentStartup:
		return fieldOf(c.AgentInit)
	case pluginapi.PointInput:
		return fieldOf(c.Input)
	case pluginapi.PointPreModelCall:
		if c.Messages == nil {
			return nil, errNoTarget
		}
		return c.Messages, nil
	case pluginapi.PointPostModelCall:
		return fieldOf(c.Response)
	case pluginapi.PointPreToolCall:
		if c.ToolCall == nil {
			return nil, errNoTarget
		}
		return c.ToolCall.Args, nil
	case pluginapi.PointPostToolCall:
		if c.ToolResult == nil {
			return nil, errNoTarget
		}
		return c.ToolResult.Value, nil
	case pluginapi.PointOutput:
		return fieldOf(c.Output)
	case pluginapi.PointAgentShutdown:
		return fieldOf(c.Summary)
	}
	return nil, fmt.Errorf("unknown point %q", c.Point)
}

var errNoTarget = errors.New("the context has no target")

func fieldOf[T any](field *T) (any, error) {
	if field == nil {
		return nil, errNoTarget
	}
	return field, nil
}

// setTarget fills c.Target from the field of its point.
func setTarget(c *pluginapi.Context) error {
	field, err := targetOf(c)
	if err != nil {
		return err
	}
	c.Target, err = encode(field)
	return err
}

// transformed returns a copy of c in which t has been applied to the target and
// written back to the field of the point.
func transformed(c *pluginapi.Context, t *pluginapi.Transform) (*pluginapi.Context, error) {
	if !c.Point.AllowsTransform() {
		return nil, errTransformForbidden
	}
	steps, err := parsePath(t.Path)
	if err != nil {
		return nil, err
	}
	root, err := decode(c.Target)
	if err != nil {
		return nil, fmt.Errorf("decode target: %w", err)
	}
	var value any
	if len(t.Value) > 0 {
		if value, err = decode(t.Value); err != nil {
			return nil, errTransformInvalid
		}
	}
	if root, err = replace(root, steps, value); err != nil {
		return nil, err
	}
	out := *c
	if out.Target, err = encode(root); err != nil {
		return nil, err
	}
	return &out, writeBack(&out)
}

// writeBack copies the target into a fresh value of the point's field, so that
// contexts made before keep theirs.
func writeBack(c *pluginapi.Context) error {
	var err error
	switch c.Point {
	case pluginapi.PointInput:
		c.Input = new(pluginapi.Input)
		err = errors.Join(strict(c.Target, c.Input), checkInput(c.Input))
	case pluginapi.PointPreModelCall:
		c.Messages = nil
		err = errors.Join(strict(c.Target, &c.Messages), checkMessages(c.Messages))
	case pluginapi.PointPostModelCall:
		c.Response = new(pluginapi.Response)
		err = errors.Join(strict(c.Target, c.Response), checkResponse(c.Response))
	case pluginapi.PointPreToolCall:
		call := *c.ToolCall
		call.Args = c.Target
		c.ToolCall = &call
		if !startsWith(c.Target, '{') {
			err = errTransformInvalid
		}
	case pluginapi.PointPostToolCall:
		result := *c.ToolResult
		result.Value = c.Target
		c.ToolResult = &result
	case pluginapi.PointOutput:
		c.Output = new(pluginapi.Output)
		err = errors.Join(strict(c.Target, c.Output), checkContent(c.Output.Content))
	}
	if err != nil {
		return errTransformInvalid
	}
	return nil
}

func strict(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func checkContent(content json.RawMessage) error {
	if !startsWith(content, '"') && !startsWith(content, '{') {
		return errTransformInvalid
	}
	return nil
}

func checkInput(in *pluginapi.Input) error {
	switch in.Role {
	case "user", "system", "external":
		return checkContent(in.Content)
	}
	return errTransformInvalid
}

func checkMessages(messages []pluginapi.Message) error {
	if messages == nil {
		return errTransformInvalid
	}
	for _, m := range messages {
		if m.Role == "" {
			return errTransformInvalid
		}
		if err := checkContent(m.Content); err != nil {
			return err
		}
	}
	return nil
}

func checkResponse(r *pluginapi.Response) error {
	if r.ToolCalls == nil || len(r.Content) == 0 {
		return errTransformInvalid
	}
	if startsWith(r.Content, 'n') { // null
		return nil
	}
	return checkContent(r.Content)
}

func startsWith(data json.RawMessage, c byte) bool { return len(data) > 0 && data[0] == c }

// step is one segment of a path: a member name or, when name is empty, an index.
type step struct {
	name  string
	index int
}

// parsePath reads the path grammar of agent-hooks/0.1 §5.2.
func parsePath(path string) ([]step, error) {
	rest, ok := strings.CutPrefix(path, "$target")
	if !ok {
		// The older name of the root is accepted until agent-hooks 0.3.
		if rest, ok = strings.CutPrefix(path, "$policy_target"); !ok {
			return nil, errTransformForbidden
		}
	}
	if rest != "" && rest[0] != '.' && rest[0] != '[' {
		return nil, errTransformForbidden
	}
	var steps []step
	for rest != "" {
		s, tail, err := parseStep(rest)
		if err != nil {
			return nil, err
		}
		steps, rest = append(steps, s), tail
	}
	return steps, nil
}

func parseStep(rest string) (step, string, error) {
	if name, ok := strings.CutPrefix(rest, "."); ok {
		n := nameLength(name)
		if n == 0 {
			return step{}, "", errTransformInvalid
		}
		return step{name: name[:n]}, name[n:], nil
	}
	if name, ok := strings.CutPrefix(rest, `["`); ok {
		n := nameLength(name)
		tail, closed := strings.CutPrefix(name[n:], `"]`)
		if n == 0 || !closed {
			return step{}, "", errTransformInvalid
		}
		return step{name: name[:n]}, tail, nil
	}
	digits, tail, closed := strings.Cut(strings.TrimPrefix(rest, "["), "]")
	index, err := strconv.ParseUint(digits, 10, 31)
	if !strings.HasPrefix(rest, "[") || !closed || err != nil {
		return step{}, "", errTransformInvalid
	}
	return step{index: int(index)}, tail, nil
}

// nameLength counts the leading characters of s that a member name may have.
func nameLength(s string) int {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return i
		}
	}
	return len(s)
}

// replace puts value at the place the steps lead to, which must exist, and
// returns the root.
func replace(root any, steps []step, value any) (any, error) {
	if len(steps) == 0 {
		return value, nil
	}
	s := steps[0]
	switch node := root.(type) {
	case map[string]any:
		child, ok := node[s.name]
		if s.name == "" || !ok {
			return nil, errTransformInvalid
		}
		next, err := replace(child, steps[1:], value)
		node[s.name] = next
		return node, err
	case []any:
		if s.name != "" || s.index >= len(node) {
			return nil, errTransformInvalid
		}
		next, err := replace(node[s.index], steps[1:], value)
		node[s.index] = next
		return node, err
	}
	return nil, errTransformInvalid
}

// decode keeps the text of numbers, so that what a transform does not touch
// stays as it is.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON value")
	}
	return v, nil
}

func encode(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
