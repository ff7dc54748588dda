package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The levels of a guest's log. What it prints has the level of its stream.
const (
	levelInfo   = "info"
	levelWarn   = "warn"
	levelStdout = levelInfo
	levelStderr = levelWarn
)

const (
	// maxLogLine bounds one line of the log, in bytes.
	maxLogLine = 1 << 10
	// maxPrinted bounds what a guest may print to one stream, in bytes; the log
	// keeps far less of it.
	maxPrinted = 1 << 20
)

// callLog collects the log of one call. It is used by one goroutine at a time.
type callLog struct {
	secrets   *secrets
	lines     []host.LogLine
	linesLeft int
	bytesLeft int
	dropped   int
}

func newCallLog(mode pluginapi.Mode, hidden *secrets) *callLog {
	if mode == pluginapi.ModeBackground {
		return &callLog{secrets: hidden, linesLeft: 256, bytesLeft: 64 << 10}
	}
	return &callLog{secrets: hidden, linesLeft: 64, bytesLeft: 16 << 10}
}

// add keeps one line, or counts it when there is no room; once a line was
// dropped all later ones are, so that what is kept has no holes.
func (l *callLog) add(level, text string) {
	text = clean(l.secrets.redactText(text), maxLogLine)
	if l.dropped > 0 || l.linesLeft == 0 || len(text) > l.bytesLeft {
		l.dropped++
		return
	}
	l.linesLeft--
	l.bytesLeft -= len(text)
	l.lines = append(l.lines, host.LogLine{At: time.Now(), Level: level, Message: text})
}

// finish returns the lines; a last one says how many were dropped.
func (l *callLog) finish() []host.LogLine {
	if l.dropped == 0 {
		return l.lines
	}
	message := fmt.Sprintf("%d more lines were dropped", l.dropped)
	return append(l.lines, host.LogLine{At: time.Now(), Level: levelWarn, Message: message})
}

// printer turns what a guest prints into lines of its log.
type printer struct {
	log     *callLog
	level   string
	line    []byte
	printed int
}

var errPrintedTooMuch = errors.New("the guest printed too much")

// Write fails once the guest printed too much: one call of a guest may ask to
// write the same buffer a million times.
func (p *printer) Write(text []byte) (int, error) {
	if p.printed += len(text); p.printed > maxPrinted {
		return 0, errPrintedTooMuch
	}
	for rest := text; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		p.keep(line)
		if ended {
			p.endLine()
		}
		rest = after
	}
	return len(text), nil
}

// keep buffers one byte more than fits a line, so that the cut shows, and the
// rest of a secret that the cut would split.
func (p *printer) keep(part []byte) {
	room := maxLogLine + 1 + p.log.secrets.span() - len(p.line)
	p.line = append(p.line, part[:min(room, len(part))]...)
}

func (p *printer) endLine() {
	p.log.add(p.level, string(bytes.TrimSuffix(p.line, []byte{'\r'})))
	p.line = p.line[:0]
}

// finish logs a last line without its newline.
func (p *printer) finish() {
	if len(p.line) > 0 {
		p.endLine()
	}
}
