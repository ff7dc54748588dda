package plugin

import (
	"context"
	"errors"

	"golang.org/x/sync/singleflight"
)

// uploads lets one caller do what several ask for at once.
type uploads struct{ group singleflight.Group }

// abandoned is the error of an install whose caller left while others waited for
// it.
type abandoned struct{ error }

// Unwrap returns what the caller itself is told.
func (a abandoned) Unwrap() error { return a.error }

// do runs install, unless another caller does with the same key: then it waits
// for that one's result, and takes its place when it leaves. What another caller
// installed was not created by this one.
func (u *uploads) do(ctx context.Context, key string, install func() (Installed, error)) (Installed, error) {
	for {
		first := false
		result, err, _ := u.group.Do(key, func() (any, error) {
			first = true
			got, err := install()
			if err != nil && ctx.Err() != nil {
				err = abandoned{err}
			}
			return got, err
		})
		installed, _ := result.(Installed)
		var left abandoned
		switch {
		case first && errors.As(err, &left):
			return installed, left.error
		case first:
			return installed, err
		case errors.As(err, &left) && ctx.Err() == nil:
			continue
		}
		installed.Created = false
		return installed, err
	}
}
