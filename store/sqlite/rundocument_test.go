package sqlite

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// TestRunDocument: a run's document reads as the run, and one with a part that is
// not JSON is not written.
func TestRunDocument(t *testing.T) {
	t.Parallel()
	for raw, valid := range map[string]bool{
		`"text"`: true, `""`: true, `"a \"quoted\" \\ line\n"`: true, `"\u003c<é"`: true, `{"a": [1, "<"]}`: true, `null`: true,
		`"`: false, `"a"b"`: false, `"\x"`: false, `"\"`: false, "\"line\n\"": false, `"\u00"`: false, `{`: false, `text`: false,
	} {
		part := json.RawMessage(raw)
		run := host.Run{
			ID: "run", Input: part, Content: part, SessionState: part, Metadata: part,
			Messages: []host.Message{{ID: "1", Role: "user", Content: part}, {ID: "2", Role: "assistant"}},
		}
		doc, err := encodeRun(run)
		if (err == nil) != valid {
			t.Errorf("%s: document %s, error %v, want one: %t", raw, doc, err, !valid)
		}
		if !valid {
			continue
		}
		var got host.Run
		if err := json.Unmarshal([]byte(doc), &got); err != nil {
			t.Errorf("%s: %v in %s", raw, err, doc)
		}
		if diff := cmp.Diff(run, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
	}
	if doc, err := encodeRun(host.Run{}); err != nil || strings.Contains(doc, "messages") {
		t.Errorf("document %s, error %v", doc, err)
	}
}
