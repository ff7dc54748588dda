package httpapi

import (
	"maps"

	"github.com/snaphook-dev/snaphook/host"
)

// runForm is what a form asks for.
type runForm struct {
	request host.RunRequest
	// background asks for a run that goes on without its client.
	background bool
	// stream asks for events instead of the finished run, events for all of
	// them instead of the content alone.
	stream bool
	events bool
}

// shows reports whether the client wants the event. Where it wants content alone,
// that is what all runs say, why the run itself failed, and what a workflow came to:
// its last step may say nothing.
func (f *runForm) shows(e *host.Event) bool {
	switch {
	case f.events, e.Kind == host.EventRunContent:
		return true
	case !e.Run.TopLevel():
		return false
	}
	return e.Kind == host.EventRunError ||
		e.Kind == host.EventRunCompleted && e.Run.Component.Kind == host.KindWorkflow
}

// decodeRunForm reads the fields of a run. The fields it does not know become
// the request's arguments; everything that is wrong is reported at once.
//
// An optional field that is empty counts as absent.
func decodeRunForm(f form) (runForm, error) {
	d := formDecoder{fields: maps.Clone(f)}
	d.refuseFiles()
	d.refuse("files", "images", "audio", "videos", "input_files",
		"knowledge_filters", "factory_input", "version")
	d.ignoreSwitch("debug_mode", "add_dependencies_to_context", "add_session_state_to_context")
	out := runForm{
		background: d.bool("background", false),
		stream:     d.bool("stream", true), events: d.bool("stream_events", true),
	}
	out.request = host.RunRequest{
		Input:        host.TextContent(d.required("message")),
		RunID:        d.id("run_id"),
		SessionID:    d.id("session_id"),
		UserID:       d.id("user_id"),
		SessionState: d.object("session_state"),
		Dependencies: d.object("dependencies"),
		Metadata:     d.object("metadata"),
		AddHistory:   d.choice("add_history_to_context"),
		OutputSchema: d.schema("output_schema"),
		PlainObject:  d.bool("use_json_schema", false),
	}
	var err error
	if out.request.Arguments, err = d.arguments(); err != nil {
		return runForm{}, err
	}
	return out, d.err()
}
