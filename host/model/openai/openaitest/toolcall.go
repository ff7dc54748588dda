package openaitest

import "unicode/utf8"

// ToolCall is a call of a tool, in an Answer or in the conversation of a Request.
type ToolCall struct {
	// ID is left out of an answer when it is empty.
	ID   string
	Name string
	// Arguments are sent as they are, JSON or not.
	Arguments string
}

// Call is an answer that asks for tools.
func Call(calls ...ToolCall) Answer {
	return Answer{ToolCalls: calls, PromptTokens: 7, CompletionTokens: len(calls)}
}

// chat is the call as Chat has it, with those arguments.
func (c ToolCall) chat(arguments string) object {
	call := object{"type": "function", "function": object{"name": c.Name, "arguments": arguments}}
	if c.ID != "" {
		call["id"] = c.ID
	}
	return call
}

// item is the call as Responses has it.
func (c ToolCall) item(status, arguments string) object {
	item := object{
		"id": "fc_test_" + c.ID, "type": "function_call", "status": status, "name": c.Name, "arguments": arguments,
	}
	if c.ID != "" {
		item["call_id"] = c.ID
	}
	return item
}

// piece is a piece of a call: the first has its name, the others some of its
// arguments.
type piece struct {
	call        int
	text        string
	first, last bool
}

// pieces are those of all calls, in the order of a stream.
func (a Answer) pieces() []piece {
	var byCall [][]piece
	for i, call := range a.ToolCalls {
		pieces := []piece{{call: i, first: true}}
		for _, text := range cut(call.Arguments) {
			pieces = append(pieces, piece{call: i, text: text})
		}
		pieces[len(pieces)-1].last = true
		byCall = append(byCall, pieces)
	}
	var all []piece
	for len(byCall) > 0 {
		all = append(all, byCall[0][0])
		rest := byCall[0][1:]
		switch {
		case len(rest) == 0:
			byCall = byCall[1:]
		case a.Interleaved:
			byCall = append(byCall[1:], rest)
		default:
			byCall[0] = rest
		}
	}
	return all
}

// cut returns a text in at most four pieces or so, between its runes.
func cut(text string) []string {
	size := len(text)/4 + 1
	var pieces []string
	for text != "" {
		end := min(size, len(text))
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		pieces = append(pieces, text[:end])
		text = text[end:]
	}
	return pieces
}
