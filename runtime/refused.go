package runtime

import (
	"errors"
	"net/url"

	"github.com/snaphook-dev/snaphook/host"
)

// refused marks the error of a request that the host does not send, or whose
// answer it does not take.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// requestFailure says which request ended the call, for the engine lets no guest
// go on after one that failed; nil when it was something else.
func (c *invocation) requestFailure(err error) *host.CallError {
	var no refused
	var unanswered *url.Error
	switch {
	case errors.As(err, &no):
		return callError(host.CallRefused, "%s", c.oneLine(no))
	case errors.As(err, &unanswered):
		return callError(host.CallRequest, "%s", c.oneLine(unanswered))
	}
	return nil
}

// oneLine is the text of an error without secrets.
func (c *invocation) oneLine(err error) string { return cleanLines(c.secrets.redactText(err.Error())) }
