package openaitest

import "strings"

// response is a whole answer of /responses. A reasoning item without a text
// comes first, as from a reasoning model.
func response(a Answer, req Request) object {
	r := object{
		"id": "resp_test", "object": "response", "created_at": 1, "model": req.Model, "status": a.responseStatus(),
		"error": nil, "incomplete_details": nil, "store": req.Store == nil || *req.Store,
		"output": a.output(),
		"usage":  a.responseUsage(),
	}
	switch {
	case a.Late:
		r["error"] = object{"code": a.Code, "message": a.Error}
		r["output"], r["usage"] = []object{}, nil
	case a.FinishReason == "length":
		r["incomplete_details"] = object{"reason": "max_output_tokens"}
	case a.responseStatus() == "incomplete":
		r["incomplete_details"] = object{"reason": a.FinishReason}
	}
	return r
}

// output has no message when there are only tool calls.
func (a Answer) output() []object {
	items := []object{{"id": "rs_test", "type": "reasoning", "summary": []object{}}}
	if a.speaks() {
		items = append(items, object{
			"id": "msg_test", "type": "message", "status": a.responseStatus(), "role": "assistant",
			"content": []object{a.part()},
		})
	}
	for _, call := range a.ToolCalls {
		items = append(items, call.item("completed", call.Arguments))
	}
	return items
}

func (a Answer) speaks() bool { return a.content()+a.Refusal != "" || len(a.ToolCalls) == 0 }

func responseStream(a Answer, req Request) eventStream {
	sequence := -1
	event := func(kind string, fields object) string {
		sequence++
		fields["type"], fields["sequence_number"] = kind, sequence
		return "event: " + kind + "\ndata: " + text(fields) + "\n\n"
	}
	part := func(kind string, fields object) string {
		fields["item_id"], fields["output_index"], fields["content_index"] = "msg_test", 1, 0
		return event(kind, fields)
	}
	begun := object{"id": "resp_test", "object": "response", "created_at": 1, "model": req.Model, "status": "in_progress", "output": []object{}}
	says := "response.output_text"
	if a.Refusal != "" {
		says = "response.refusal"
	}
	s := eventStream{
		head: event("response.created", object{"response": begun}) +
			event("response.in_progress", object{"response": begun}),
		delta: func(text string) string { return part(says+".delta", object{"delta": text}) },
		calls: func() string { return a.callEvents(event) },
	}
	if a.speaks() {
		s.head += part("response.content_part.added", object{"part": object{"type": a.part()["type"]}})
	}
	s.tail = func() string {
		if a.Unfinished {
			return ""
		}
		return event("response."+a.responseStatus(), object{"response": response(a, req)})
	}
	return s
}

// callEvents are the events of the tool calls.
func (a Answer) callEvents(event func(kind string, fields object) string) string {
	before := len(a.output()) - len(a.ToolCalls)
	var b strings.Builder
	for _, p := range a.pieces() {
		call, index := a.ToolCalls[p.call], before+p.call
		about := func(fields object) object {
			fields["item_id"], fields["output_index"] = "fc_test_"+call.ID, index
			return fields
		}
		if p.first {
			b.WriteString(event("response.output_item.added", object{"output_index": index, "item": call.item("in_progress", "")}))
		} else {
			b.WriteString(event("response.function_call_arguments.delta", about(object{"delta": p.text})))
		}
		if p.last {
			b.WriteString(event("response.function_call_arguments.done", about(object{"arguments": call.Arguments})))
			b.WriteString(event("response.output_item.done", object{"output_index": index, "item": call.item("completed", call.Arguments)}))
		}
	}
	return b.String()
}

func (a Answer) responseStatus() string {
	switch {
	case a.Late:
		return "failed"
	case a.Unfinished:
		return "in_progress"
	case a.FinishReason != "" && a.FinishReason != "stop" && a.FinishReason != "tool_calls":
		return "incomplete"
	}
	return "completed"
}

// part is the text or the refusal of the message.
func (a Answer) part() object {
	if a.Refusal != "" {
		return object{"type": "refusal", "refusal": a.Refusal}
	}
	return object{"type": "output_text", "text": a.content(), "annotations": []object{}}
}

func (a Answer) responseUsage() object {
	return object{
		"input_tokens": a.PromptTokens, "output_tokens": a.CompletionTokens,
		"total_tokens":          a.PromptTokens + a.CompletionTokens,
		"input_tokens_details":  object{"cached_tokens": a.CachedTokens},
		"output_tokens_details": object{"reasoning_tokens": a.ReasoningTokens},
	}
}
