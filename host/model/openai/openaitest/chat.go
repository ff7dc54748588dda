package openaitest

import "strings"

// chatCompletion is a whole answer of /chat/completions.
func chatCompletion(a Answer, req Request) object {
	if a.Late {
		return a.failure("server_error")
	}
	return object{
		"id": "chatcmpl-test", "object": "chat.completion", "created": 1, "model": req.Model,
		"choices": []object{{
			"index": 0, "finish_reason": a.finishReason(), "logprobs": nil,
			"message": chatMessage(a),
		}},
		"usage": a.chatUsage(),
	}
}

func chatMessage(a Answer) object {
	message := object{"role": "assistant", "content": orNull(a.content()), "refusal": orNull(a.Refusal)}
	var calls []object
	for _, call := range a.ToolCalls {
		calls = append(calls, call.chat(call.Arguments))
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	return message
}

func chatStream(a Answer, req Request) eventStream {
	chunk := func(choices []object, usage any) string {
		return "data: " + text(object{
			"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": 1, "model": req.Model,
			"choices": choices, "usage": usage,
		}) + "\n\n"
	}
	choice := func(delta object, finishReason any) []object {
		return []object{{"index": 0, "delta": delta, "finish_reason": finishReason}}
	}
	says := "content"
	if a.Refusal != "" {
		says = "refusal"
	}
	return eventStream{
		head:  chunk(choice(object{"role": "assistant", "content": ""}, nil), nil),
		delta: func(text string) string { return chunk(choice(object{says: text}, nil), nil) },
		calls: func() string {
			var b strings.Builder
			for _, p := range a.pieces() {
				call := object{"function": object{"arguments": p.text}}
				if p.first {
					call = a.ToolCalls[p.call].chat("")
				}
				call["index"] = p.call
				b.WriteString(chunk(choice(object{"tool_calls": []object{call}}, nil), nil))
			}
			return b.String()
		},
		tail: func() string {
			if a.Late {
				return "data: " + text(a.failure("server_error")) + "\n\n"
			}
			var tail string
			if !a.Unfinished {
				tail = chunk(choice(object{}, a.finishReason()), nil)
			}
			if req.IncludeUsage {
				tail += chunk([]object{}, a.chatUsage())
			}
			return tail + "data: [DONE]\n\n"
		},
	}
}

func (a Answer) chatUsage() object {
	return object{
		"prompt_tokens": a.PromptTokens, "completion_tokens": a.CompletionTokens,
		"total_tokens":              a.PromptTokens + a.CompletionTokens,
		"prompt_tokens_details":     object{"cached_tokens": a.CachedTokens},
		"completion_tokens_details": object{"reasoning_tokens": a.ReasoningTokens},
	}
}
