package httpapi

import (
	"io"
	"net/http"
	"time"
)

// array writes a JSON array item by item, so that an answer may be longer than
// what the host holds in memory.
type array struct {
	w       http.ResponseWriter
	written bool
	// gone is set when the client takes nothing any more.
	gone bool
}

// add writes one item. The client has its time to take each.
func (a *array) add(item any) error {
	data, err := encodeJSON(item)
	if err != nil {
		return err
	}
	if a.written {
		data = append([]byte{','}, data...)
	}
	a.written = true
	extendDeadline(a.w)
	if _, err = a.w.Write(data); err != nil {
		a.gone = true
	}
	return err
}

// writeArray answers with an array that fill writes; before and after stand
// around it. Once the answer has begun an error cuts the connection, so that
// nobody takes the answer for whole.
func (a *api) writeArray(
	w http.ResponseWriter, r *http.Request, status int, before, after string, fill func(*array) error,
) {
	extendDeadline(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	items := array{w: w}
	if _, err := io.WriteString(w, before+"["); err != nil {
		return // the client left
	}
	if err := fill(&items); err != nil {
		if !items.gone {
			a.report(r, err)
		}
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, "]"+after) // a client that left reads nothing
}

// extendDeadline gives the client its time to take the next part of an answer.
func extendDeadline(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // a test's recorder has none
}
