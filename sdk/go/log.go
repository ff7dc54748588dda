package snaphook

import (
	"fmt"
	"iter"
	"strings"
	"unicode/utf8"
)

// Level is the weight of a log line.
type Level string

// The levels.
const (
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// MaxLogLine is the most bytes that reach the host as one line.
const MaxLogLine = 1024

// Logger writes to the log of a call. Text with line breaks becomes several
// lines, a line longer than MaxLogLine is cut into several, empty ones are left
// out.
type Logger struct{ host Host }

// Info logs what happened, formatted as fmt.Sprintf does.
func (l Logger) Info(format string, args ...any) { l.log(LevelInfo, fmt.Sprintf(format, args...)) }

// Warn logs what an operator should look at, formatted as fmt.Sprintf does.
func (l Logger) Warn(format string, args ...any) { l.log(LevelWarn, fmt.Sprintf(format, args...)) }

// Error logs what went wrong, formatted as fmt.Sprintf does. It does not make
// the call fail; returning an error from the hook does.
func (l Logger) Error(format string, args ...any) { l.log(LevelError, fmt.Sprintf(format, args...)) }

func (l Logger) log(level Level, text string) {
	for line := range logLines(text) {
		l.host.Log(level, line)
	}
}

// logLines cuts text into the lines that are logged, never inside a character.
func logLines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			for line != "" {
				n := cutAt(line)
				if !yield(line[:n]) {
					return
				}
				line = line[n:]
			}
		}
	}
}

// cutAt returns how much of line fits one log line.
func cutAt(line string) int {
	if len(line) <= MaxLogLine {
		return len(line)
	}
	for n := MaxLogLine; n > MaxLogLine-utf8.UTFMax; n-- {
		if utf8.RuneStart(line[n]) {
			return n
		}
	}
	return MaxLogLine
}
