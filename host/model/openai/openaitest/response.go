package openaitest

// response is a whole answer of /responses. A reasoning item without a text
// comes before the message, as from a reasoning model.
func response(a Answer, req Request) object {
	r := object{
		"id": "resp_test", "object": "response", "created_at": 1, "model": req.Model, "status": a.responseStatus(),
		"error": nil, "incomplete_details": nil, "store": req.Store == nil || *req.Store,
		"output": []object{
			{"id": "rs_test", "type": "reasoning", "summary": []object{}},
			{
				"id": "msg_test", "type": "message", "status": a.responseStatus(), "role": "assistant",
				"content": []object{a.part()},
			},
		},
		"usage": a.responseUsage(),
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
			event("response.in_progress", object{"response": begun}) +
			part("response.content_part.added", object{"part": object{"type": a.part()["type"]}}),
		delta: func(text string) string { return part(says+".delta", object{"delta": text}) },
	}
	s.tail = func() string {
		if a.Unfinished {
			return ""
		}
		return event("response."+a.responseStatus(), object{"response": response(a, req)})
	}
	return s
}

func (a Answer) responseStatus() string {
	switch {
	case a.Late:
		return "failed"
	case a.Unfinished:
		return "in_progress"
	case a.finishReason() != "stop":
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
