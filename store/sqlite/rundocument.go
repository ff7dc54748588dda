package sqlite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// encodeRun writes a run as JSON. Its raw parts, which are most of it, go in as
// they are: encoding/json would write them byte by byte.
func encodeRun(run host.Run) (string, error) {
	messages := run.Messages
	parts := []rawPart{
		{"input", run.Input}, {"content", run.Content}, {"session_state", run.SessionState}, {"metadata", run.Metadata},
	}
	run.Input, run.Content, run.SessionState, run.Metadata, run.Messages = nil, nil, nil, nil, nil
	var buf bytes.Buffer
	if err := writeObject(&buf, run, parts...); err != nil || len(messages) == 0 {
		return buf.String(), err
	}
	reopen(&buf)
	buf.WriteString(`,"messages":[`)
	for i, message := range messages {
		if i > 0 {
			buf.WriteByte(',')
		}
		content := rawPart{"content", message.Content}
		message.Content = nil
		if err := writeObject(&buf, message, content); err != nil {
			return "", err
		}
	}
	buf.WriteString("]}")
	return buf.String(), nil
}

// rawPart is a member of an object that is JSON already, or nothing.
type rawPart struct {
	name string
	raw  json.RawMessage
}

// writeObject writes v, which has members, and behind them the parts.
func writeObject(buf *bytes.Buffer, v any, parts ...rawPart) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	buf.Truncate(buf.Len() - len("\n"))
	for _, part := range parts {
		if len(part.raw) == 0 {
			continue
		}
		if !validText(part.raw) && !json.Valid(part.raw) {
			return fmt.Errorf("%s is not JSON", part.name)
		}
		reopen(buf)
		fmt.Fprintf(buf, `,"%s":`, part.name)
		buf.Write(part.raw)
		buf.WriteByte('}')
	}
	return nil
}

// reopen takes the end of an object back.
func reopen(buf *bytes.Buffer) { buf.Truncate(buf.Len() - len("}")) }

// validText reports whether raw is a JSON string. It is much faster than
// json.Valid; it does not accept escaped code points.
func validText(raw []byte) bool {
	end := len(raw) - 1
	if end < 1 || raw[0] != '"' || raw[end] != '"' {
		return false
	}
	for i := 1; i < end; i++ {
		switch c := raw[i]; {
		case c == '\\':
			if i++; i == end || strings.IndexByte(`"\/bfnrt`, raw[i]) < 0 {
				return false
			}
		case c == '"', c < ' ':
			return false
		}
	}
	return true
}
