package plugin

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifferences(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		want, got string
		at        []string
	}{
		{`{}`, `{"a":1}`, nil},
		{`{"a":1}`, `{"a":1.0,"b":2}`, nil},
		{`{"a":1}`, `{"a":"1"}`, []string{"a"}},
		{`{"a":{"b":1,"c":2}}`, `{"a":{"b":1,"c":3,"d":4}}`, []string{"a.c"}},
		{`{"a":{"b":1}}`, `{"a":[1]}`, []string{"a"}},
		{`{"a":[{"b":1}]}`, `{"a":[{"b":1}]}`, nil},
		{`{"a":[{"b":1}]}`, `{"a":[{"b":1,"c":2}]}`, []string{"a"}},
		{`{"a":[1]}`, `{"a":[1,2]}`, []string{"a"}},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, []string{"a"}},
		{`{"a":1,"b":1}`, `{}`, []string{"a", "b"}},
		{`{"a":null,"b":[],"c":"","d":{}}`, `{}`, nil},
		{`{"a":null}`, `{"a":1}`, []string{"a"}},
		{`{"a":false}`, `{}`, []string{"a"}},
		{`{"a b":true}`, `{"a b":false}`, []string{`["a b"]`}},
		{`{"a":1e400}`, `{"a":2e400}`, []string{"a"}},
	} {
		if diff := cmp.Diff(tc.at, differences(json.RawMessage(tc.want), json.RawMessage(tc.got))); diff != "" {
			t.Errorf("want %s, got %s: differences (-want +got):\n%s", tc.want, tc.got, diff)
		}
	}
}

func TestAnswerDifferences(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		want, got string
		at        []string
	}{
		{`{"a":1}`, `{"a":2,"evaluations":[{}]}`, []string{"a"}},
		{`{"evaluations":[{"a":1},{}]}`, `{"evaluations":[{"a":1,"b":2},{"c":3}]}`, nil},
		{`{"c":1,"evaluations":[{"a":1,"b":3}]}`, `{"evaluations":[{"a":2,"b":2}]}`, []string{"c", "evaluations[0].a", "evaluations[0].b"}},
		{`{"evaluations":[{}]}`, `{}`, []string{"evaluations"}},
		{`{"evaluations":[]}`, `{"evaluations":[{}]}`, []string{"evaluations"}},
		{`{"evaluations":{}}`, `{"evaluations":[{}]}`, []string{"evaluations"}},
	} {
		if diff := cmp.Diff(tc.at, answerDifferences(json.RawMessage(tc.want), json.RawMessage(tc.got))); diff != "" {
			t.Errorf("want %s, got %s: differences (-want +got):\n%s", tc.want, tc.got, diff)
		}
	}
}
