package openai

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host/model"
)

// receiver is a stream of the library.
type receiver[T any] interface {
	Recv() (T, error)
	Close() error
}

// receive hands on what the stream says, until add is done or the stream ends,
// and closes it.
func receive[T any](stream receiver[T], add func(T) (done bool, err error)) (err error) {
	defer func() {
		if closeErr := stream.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("close stream: %w", closeErr)
		}
	}()
	for {
		item, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read stream: %w", err)
		}
		if done, err := add(item); done || err != nil {
			return err
		}
	}
}

// answer is a stream's answer so far.
type answer struct {
	call     *call
	now      func() time.Time
	text     strings.Builder
	calls    toolCalls
	response model.Response
	// firstToken is in seconds; 0 before the first.
	firstToken float64
}

// begin notes the time of the first token.
func (a *answer) begin() {
	if a.firstToken == 0 {
		a.firstToken = a.now().Sub(a.call.start).Seconds()
	}
}

func (a *answer) say(text string) error {
	if text == "" {
		return nil
	}
	a.begin()
	a.text.WriteString(text)
	a.call.delivered = true
	if err := a.call.delta(text); err != nil {
		return &deltaError{err}
	}
	return nil
}

// end returns the whole answer. A stream that stopped before the model said why
// it finished was cut off on the way.
func (a *answer) end() (model.Response, error) {
	if a.response.FinishReason == "" {
		return model.Response{}, errCut
	}
	a.response.Content = a.text.String()
	a.response.Usage.TimeToFirstToken = a.firstToken
	return a.calls.addTo(a.response, a.call.request)
}

// deltaError marks an error of the receiver, which is returned as it is.
type deltaError struct{ err error }

func (e *deltaError) Error() string { return e.err.Error() }
