package hook

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	// inputCopies is how often a context at the point input holds the input: in its
	// own field, as the target, and in the host's extension.
	inputCopies = 3
	// otherParts is left for what is no part of the request, such as the
	// configuration of a binding.
	otherParts = 512 << 10
)

// MaxInputBytes bounds the input of a run with hooks, as JSON: a larger one fits
// no context.
const MaxInputBytes = (MaxContextBytes - otherParts) / inputCopies

// CheckRequest refuses a request that would not fit the contexts of the plan's
// hooks, which would deny it: CodeTooLarge with the field that is largest.
func (p *Plan) CheckRequest(r *host.RunRequest) error {
	if p.Empty() {
		return nil
	}
	field, largest, sum := "message", 0, otherParts
	for _, part := range []struct {
		field string
		size  int
	}{
		{"message", inputCopies * len(r.Input)},
		{"metadata", len(r.Metadata)},
		{"dependencies", len(r.Dependencies)},
		{"arguments", len(r.Arguments)},
	} {
		sum += part.size
		if part.size > largest {
			field, largest = part.field, part.size
		}
	}
	if sum <= MaxContextBytes {
		return nil
	}
	return &host.Error{
		Code: host.CodeTooLarge, Field: field,
		Message: fmt.Sprintf("The request is too large for the hooks: message, metadata, dependencies and other fields may have %d bytes "+
			"as JSON, where the message counts %d times", MaxContextBytes-otherParts, inputCopies),
	}
}
