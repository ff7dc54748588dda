package hook_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
)

// textOf is a JSON text of so many bytes.
func textOf(size int) json.RawMessage {
	return json.RawMessage(`"` + strings.Repeat("x", size-2) + `"`)
}

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	plan := newDispatcher(t, &guests{}, input("one")).Plan(component, "")
	none := newDispatcher(t, &guests{}).Plan(component, "")
	for name, test := range map[string]struct {
		plan    *hook.Plan
		request host.RunRequest
		field   string // "" for none
	}{
		"largest":     {plan, host.RunRequest{Input: textOf(hook.MaxInputBytes)}, ""},
		"larger":      {plan, host.RunRequest{Input: textOf(hook.MaxInputBytes + 1)}, "message"},
		"no hooks":    {none, host.RunRequest{Input: textOf(hook.MaxContextBytes)}, ""},
		"by metadata": {plan, host.RunRequest{Input: textOf(1 << 10), Metadata: textOf(5 << 20)}, "metadata"},
		"in all": {plan, host.RunRequest{
			Input: textOf(1 << 10), Metadata: textOf(2 << 20), Dependencies: textOf(2<<20 + 1), Arguments: textOf(1 << 20),
		}, "dependencies"},
	} {
		err := test.plan.CheckRequest(&test.request)
		var e *host.Error
		switch {
		case test.field == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.field != "" && (!errors.As(err, &e) || e.Code != host.CodeTooLarge || e.Field != test.field):
			t.Errorf("%s: %v, want the field %s", name, err, test.field)
		}
	}
}

// The largest input that is not refused fits the contexts of its hooks.
func TestLargestInput(t *testing.T) {
	t.Parallel()
	b := input("one").config(`{"a":` + string(textOf(500<<10)) + `}`)
	for _, size := range []int{hook.MaxInputBytes, hook.MaxContextBytes / 3} {
		g := &guests{exports: map[string]guest{"one": says(allow)}}
		d := newDispatcher(t, g, b)
		if result := emit(t, d, inputOf(string(textOf(size)))); result.Denied() != (size > hook.MaxInputBytes) {
			t.Errorf("%d bytes: %+v", size, result.Verdict)
		}
	}
}
