package engine

import (
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// room takes n bytes of what the results of a run's tools may have together, and
// reports whether there was so much. What the functions of a workflow return is
// bounded with its steps.
func (x *execution) room(n int) bool {
	if x.workflow != nil {
		return true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.resultBytes+n > host.MaxToolResults {
		return false
	}
	x.resultBytes += n
	return true
}

// sizeOfResults is how many bytes of results calls have together.
func sizeOfResults(calls []host.ToolExecution) (size int) {
	for i := range calls {
		if result := calls[i].Result; result != nil {
			size += len(*result)
		}
	}
	return size
}

// withoutResults are messages as a checkpoint keeps them: what answered the calls is
// kept with those. The n-th message of a tool answers the n-th call.
func withoutResults(messages []host.Message) []host.Message {
	messages = slices.Clone(messages)
	for i := range messages {
		if m := &messages[i]; m.Role == "tool" {
			m.Content, m.ToolArgs = nil, nil
		}
	}
	return messages
}

// withResults are messages of a checkpoint with what answered the calls.
func withResults(messages []host.Message, calls []host.ToolExecution) []host.Message {
	messages = slices.Clone(messages)
	n := 0
	for i := range messages {
		m := &messages[i]
		if m.Role != "tool" {
			continue
		}
		if m.Content == nil {
			m.Content, m.ToolArgs = host.TextContent(*calls[n].Result), calls[n].Args
		}
		n++
	}
	return messages
}
