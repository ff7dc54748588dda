package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// rewriteStrings hands every string of a valid JSON document to rewrite, also
// the names of members, and writes what comes back in its place. All the rest
// stays as it is, byte by byte.
func rewriteStrings(document json.RawMessage, rewrite func(text string, isName bool) string) json.RawMessage {
	var out bytes.Buffer
	for len(document) > 0 {
		open := bytes.IndexByte(document, '"')
		if open < 0 {
			out.Write(document)
			break
		}
		out.Write(document[:open])
		literal := document[open:literalEnd(document, open)]
		document = document[open+len(literal):]
		text := decodeString(literal)
		if replaced := rewrite(text, startsWithColon(document)); replaced == text {
			out.Write(literal)
		} else {
			out.Write(encodeString(replaced))
		}
	}
	return out.Bytes()
}

// literalEnd returns where the string ends that opens at open.
func literalEnd(document []byte, open int) int {
	for i := open + 1; i < len(document); i++ {
		switch document[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	panic("the JSON document is not valid")
}

func startsWithColon(document []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(document, " \t\r\n"), []byte(":"))
}

func decodeString(literal []byte) string {
	var text string
	if err := json.Unmarshal(literal, &text); err != nil {
		panic(fmt.Sprintf("the JSON document is not valid: %v", err))
	}
	return text
}

func encodeString(text string) []byte {
	literal, err := json.Marshal(text)
	if err != nil { // a string always marshals
		panic(err)
	}
	return literal
}
