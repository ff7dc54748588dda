package runtime

import (
	"io"

	"github.com/snaphook-dev/snaphook/host"
)

// output is a program's stdout. Writing more than the call's limit ends it.
type output struct {
	call *invocation
	text []byte
}

// Write keeps p.
func (o *output) Write(p []byte) (int, error) {
	if int64(len(o.text)+len(p)) > o.call.maxOutput {
		o.call.abort(host.CallOutputTooLarge, "the output has more than %d bytes", o.call.maxOutput)
	}
	o.text = append(o.text, p...)
	return len(p), nil
}

// head keeps the first bytes written to it, one more than its limit, and
// forgets the rest.
type head struct {
	text  []byte
	limit int
}

// Write never fails.
func (h *head) Write(p []byte) (int, error) {
	room := h.limit + 1 - len(h.text)
	h.text = append(h.text, p[:min(room, len(p))]...)
	return len(p), nil
}

var (
	_ io.Writer = (*output)(nil)
	_ io.Writer = (*head)(nil)
	_ io.Writer = (*printer)(nil)
)
