package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
)

// maxParallelCalls bounds how many calls of one answer are made at once.
const maxParallelCalls = 16

// unknownResult is what a model is told of a call that began with another worker.
const unknownResult = "The result of this call is unknown: the host was interrupted while the tool worked. It is not called again."

// addCalls keeps what the model said and asks for, to be called next. What cannot
// be called is answered at once.
func (x *execution) addCalls(said response) {
	message := x.newMessage("assistant", said.content)
	if host.Text(said.content) == "" {
		message.Content = nil
	}
	first := len(x.run.Tools)
	x.mu.Lock()
	for i, call := range said.calls {
		call.ID = x.freeCallID(call.ID)
		message.ToolCalls = append(message.ToolCalls, call)
		x.run.Tools = append(x.run.Tools, host.ToolExecution{ToolCall: call, CreatedAt: x.now()})
		if said.unread[i] {
			x.answerUncalled("The arguments are not a JSON object that can be read.")
		} else if limit := x.toolCallLimit(); len(x.run.Tools) > limit {
			x.answerUncalled(fmt.Sprintf("The run has made the %d calls it may make.", limit))
		}
	}
	x.run.Messages = append(x.run.Messages, message)
	x.mu.Unlock()
	for i := first; i < len(x.run.Tools); i++ {
		if done := x.run.Tools[i]; done.Result != nil {
			x.emit(host.Event{Kind: host.EventToolCallStarted, Tool: &done})
			x.emitToolEnd(&done)
		}
	}
}

// answerUncalled is what the model is told of its last call, which is not made.
func (x *execution) answerUncalled(text string) {
	done := &x.run.Tools[len(x.run.Tools)-1]
	done.Result, done.Error = &text, true
}

// freeCallID returns the id, or another one where an earlier call of the run has it.
func (x *execution) freeCallID(id string) string {
	taken := slices.ContainsFunc(x.run.Tools, func(done host.ToolExecution) bool { return done.ID == id })
	if id == "" || taken {
		return "call_" + host.NewID()
	}
	return id
}

// callTools makes the calls the model asked for last and tells the model of them.
// With interrupted another worker may have made some.
func (x *execution) callTools(ctx context.Context, interrupted bool) error {
	batch := x.openCalls()
	if len(batch) == 0 {
		return nil
	}
	if err := x.callAll(ctx, batch, interrupted); err != nil {
		return err
	}
	x.tell(batch)
	x.direct = directAnswer(batch)
	return x.save(ctx)
}

// openCalls are the calls that no message answers.
func (x *execution) openCalls() []*toolCall {
	answered := 0
	for i := range x.run.Messages {
		if x.run.Messages[i].Role == "tool" {
			answered++
		}
	}
	var batch []*toolCall
	for i := answered; i < len(x.run.Tools); i++ {
		asked := x.run.Tools[i]
		batch = append(batch, &toolCall{
			execution: x, tool: x.tool(asked.Name), key: fmt.Sprintf("tool/%d", i), place: i, done: asked,
		})
	}
	return batch
}

// callAll makes the calls of one answer at once.
func (x *execution) callAll(ctx context.Context, batch []*toolCall, interrupted bool) error {
	calls, ctx := errgroup.WithContext(ctx)
	calls.SetLimit(maxParallelCalls)
	for _, c := range batch {
		calls.Go(func() (err error) {
			defer x.contain(&err)
			if err := x.callOnce(ctx, c, interrupted); err != nil {
				return err
			}
			if len(batch) == 1 {
				return nil
			}
			return x.save(ctx) // the others may take long
		})
	}
	return calls.Wait()
}

// callOnce makes a call, unless another worker may have made it and it must not be
// made twice.
func (x *execution) callOnce(ctx context.Context, c *toolCall, interrupted bool) error {
	defer x.keep(c)
	switch {
	case c.done.Result != nil:
		return nil
	case interrupted && c.tool != nil && !c.tool.repeatable():
		c.end(toolError(unknownResult))
		return nil
	}
	return c.make(ctx)
}

// keep stores what a call came to where the next checkpoint finds it, and what hooks
// left of its arguments where the model finds them.
func (x *execution) keep(c *toolCall) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.run.Tools = slices.Clone(x.run.Tools) // events show the calls as they were
	changed := !bytes.Equal(x.run.Tools[c.place].Args, c.done.Args)
	x.run.Tools[c.place] = c.done
	if changed {
		x.changeAsked(&c.done.ToolCall)
	}
}

// changeAsked has the message that asked for a call ask for it as it is now.
func (x *execution) changeAsked(call *host.ToolCall) {
	x.run.Messages = slices.Clone(x.run.Messages)
	for i := range x.run.Messages {
		m := &x.run.Messages[i]
		if n := slices.IndexFunc(m.ToolCalls, func(asked host.ToolCall) bool { return asked.ID == call.ID }); n >= 0 {
			m.ToolCalls = slices.Clone(m.ToolCalls)
			m.ToolCalls[n] = *call
		}
	}
}

// tell adds the messages that answer the calls, in the order the model asked.
func (x *execution) tell(batch []*toolCall) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range batch {
		m := x.newMessage("tool", host.TextContent(*c.done.Result))
		m.ToolCallID, m.ToolName, m.ToolArgs, m.ToolError = c.done.ID, c.done.Name, c.done.Args, c.done.Error
		x.run.Messages = append(x.run.Messages, m)
	}
}

// toolCallLimit bounds the calls of the run.
func (x *execution) toolCallLimit() int {
	if x.agent.ToolCallLimit > 0 {
		return x.agent.ToolCallLimit
	}
	return host.MaxToolCalls
}

// directAnswer is what members answered in the place of their leader, nil where it
// is to go on.
func directAnswer(batch []*toolCall) json.RawMessage {
	texts := make([]string, len(batch))
	for i, c := range batch {
		if c.tool == nil || !c.tool.direct || c.done.Error {
			return nil
		}
		texts[i] = *c.done.Result // another worker may have made the call
	}
	if len(batch) == 1 {
		content, _ := contentOf(batch[0].value) // hooks may have made it anything
		return content
	}
	return host.TextContent(strings.Join(texts, "\n\n"))
}
