package runtime

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCleanError(t *testing.T) {
	t.Parallel()
	err := errors.New("wasm error: unreachable\nwasm stack trace:\n\t.\x1b[2J()\n\n\t.main()")
	if got, want := cleanError(err), `wasm error: unreachable; wasm stack trace:; .\x1b[2J(); .main()`; got != want {
		t.Errorf("cleanError = %q, want %q", got, want)
	}
	if got := cleanError(errors.New(strings.Repeat("\x1b\n", 1<<20))); len(got) > maxErrorText {
		t.Errorf("%d bytes are kept of a long error", len(got))
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain", 10)
	f.Add("caf\u00e9\x00\xff\u202e\U0001f600", 12)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = limit&0xff + len(ellipsis)
		got := clean(text, limit)
		if len(got) > limit || !utf8.ValidString(got) {
			t.Errorf("clean(%q, %d) = %q", text, limit, got)
		}
		for _, r := range got {
			if r < ' ' || r == 0x7f || r == '\u202e' {
				t.Errorf("clean(%q, %d) = %q keeps %U", text, limit, got, r)
			}
		}
	})
}
