package pluginapi_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestParseVerdict(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, doc string
		want      pluginapi.Verdict
	}{
		{"allow", `{"decision":"allow"}`, pluginapi.Verdict{Decision: pluginapi.Allow}},
		{"space around", " \n{\"decision\":\"allow\"}\n", pluginapi.Verdict{Decision: pluginapi.Allow}},
		{
			"deny", `{"decision":"deny","reason":"pii","message":"no"}`,
			pluginapi.Verdict{Decision: pluginapi.Deny, Reason: "pii", Message: "no"},
		},
		{
			"null stands for absent",
			`{"decision":"allow","reason":null,"message":null,"warnings":null,"result_labels":null}`,
			pluginapi.Verdict{Decision: pluginapi.Allow},
		},
		{
			"liftable deny", `{"decision":"deny","approval":{}}`,
			pluginapi.Verdict{Decision: pluginapi.Deny, Approval: json.RawMessage(`{}`)},
		},
		{
			"transform", `{"decision":"transform","transform":{"path":"$target.a","value":[1]}}`,
			pluginapi.Verdict{
				Decision:  pluginapi.TransformTo,
				Transform: &pluginapi.Transform{Path: "$target.a", Value: json.RawMessage(`[1]`)},
			},
		},
		{
			"a missing value is null", `{"decision":"transform","transform":{"path":"$target"}}`,
			pluginapi.Verdict{
				Decision:  pluginapi.TransformTo,
				Transform: &pluginapi.Transform{Path: "$target", Value: json.RawMessage(`null`)},
			},
		},
		{
			"null value", `{"decision":"transform","transform":{"path":"$target","value":null}}`,
			pluginapi.Verdict{
				Decision:  pluginapi.TransformTo,
				Transform: &pluginapi.Transform{Path: "$target", Value: json.RawMessage(`null`)},
			},
		},
		{
			"warnings and labels",
			`{"decision":"allow","warnings":[{"reason":"slow"},{"message":null}],"result_labels":["a"]}`,
			pluginapi.Verdict{
				Decision:     pluginapi.Allow,
				Warnings:     []pluginapi.Warning{{Reason: "slow"}, {}},
				ResultLabels: []string{"a"},
			},
		},
		{
			"evidence", `{"decision":"allow","evidence":{"artefact":null,"verification_pointers":{"log":"https://x"}}}`,
			pluginapi.Verdict{
				Decision: pluginapi.Allow,
				Evidence: json.RawMessage(`{"artefact":null,"verification_pointers":{"log":"https://x"}}`),
			},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := pluginapi.ParseVerdict([]byte(tc.doc))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if !accepts(t, compile(t, pluginapi.VerdictSchema()), tc.doc) {
				t.Error("the schema refuses it")
			}
		})
	}
}

// notByShape are the documents below that a JSON Schema cannot refuse.
var notByShape = map[string]bool{"repeated": true, "repeated below": true}

var badVerdicts = []struct{ name, doc, want string }{
	{"array", `[]`, "not a JSON object"},
	{"string", `"allow"`, "not a JSON object"},
	{"null", `null`, "not a JSON object"},
	{"no decision", `{}`, "decision is missing"},
	{"null decision", `{"decision":null}`, "decision is missing"},
	{"unknown decision", `{"decision":"warn"}`, "decision is not"},
	{"wrong case", `{"decision":"Allow"}`, "decision is not"},
	{"decision is no string", `{"decision":1}`, "decision must not be a number"},
	{"unknown member", `{"decision":"allow","extra":1}`, "unknown member"},
	{"other spelling", `{"Decision":"allow"}`, "unknown member"},
	{"repeated", `{"decision":"deny","decision":"allow"}`, "repeated"},
	{"reserved reason", `{"decision":"deny","reason":"host_error:x"}`, "is reserved"},
	{"escaped reserved reason", `{"decision":"deny","reason":"host\u005ferror:x"}`, "is reserved"},
	{"reason is no string", `{"decision":"deny","reason":{}}`, "reason must not be"},
	{"message is no string", `{"decision":"deny","message":[]}`, "message must not be"},
	{"transform missing", `{"decision":"transform"}`, "transform is missing"},
	{"transform is null", `{"decision":"transform","transform":null}`, "transform is missing"},
	{"transform is no object", `{"decision":"transform","transform":"x"}`, "transform must not be"},
	{"transform without path", `{"decision":"transform","transform":{"value":1}}`, "path is missing"},
	{"path is null", `{"decision":"transform","transform":{"path":null}}`, "path is missing"},
	{"other spelling below", `{"decision":"transform","transform":{"Path":"$target"}}`, "unknown member"},
	{"repeated below", `{"decision":"transform","transform":{"path":"$target","value":1,"value":2}}`, "repeated"},
	{"transform beside allow", `{"decision":"allow","transform":{"path":"$target"}}`, "only for the decision"},
	{"transform beside deny", `{"decision":"deny","transform":{"path":"$target"}}`, "only for the decision"},
	{"approval beside allow", `{"decision":"allow","approval":{}}`, "only for a deny"},
	{"approval beside transform", `{"decision":"transform","transform":{"path":"$target"},"approval":{}}`, "only for a deny"},
	{"approval is no object", `{"decision":"deny","approval":true}`, "approval is not an object"},
	{"warnings is no array", `{"decision":"allow","warnings":{}}`, "warnings must not be"},
	{"a warning is null", `{"decision":"allow","warnings":[null]}`, "not a JSON object"},
	{"a warning is a string", `{"decision":"allow","warnings":["x"]}`, "must not be a string"},
	{"a warning with more", `{"decision":"allow","warnings":[{"code":1}]}`, "unknown member"},
	{"reserved warning", `{"decision":"allow","warnings":[{"reason":"host_error:x"}]}`, "is reserved"},
	{"evidence is no object", `{"decision":"allow","evidence":[]}`, "not a JSON object"},
	{"evidence with more", `{"decision":"allow","evidence":{"x":1}}`, "unknown member"},
	{"artefact is no string", `{"decision":"allow","evidence":{"artefact":1}}`, "artefact is not a string"},
	{"pointers is null", `{"decision":"allow","evidence":{"verification_pointers":null}}`, "not a JSON object"},
	{"a pointer is null", `{"decision":"allow","evidence":{"verification_pointers":{"a":null}}}`, "pointer is not a string"},
	{"labels is no array", `{"decision":"allow","result_labels":"a"}`, "result_labels must not be"},
	{"a label is no string", `{"decision":"allow","result_labels":[1]}`, "must not be a number"},
	{"a label is null", `{"decision":"allow","result_labels":[null]}`, "label is not a string"},
}

func TestParseVerdictRefuses(t *testing.T) {
	t.Parallel()
	schema := compile(t, pluginapi.VerdictSchema())
	for _, tc := range badVerdicts {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			wantVerdictError(t, tc.doc, tc.want)
			if accepts(t, schema, tc.doc) != notByShape[tc.name] {
				t.Error("the schema disagrees")
			}
		})
	}
}

func TestParseVerdictRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, doc, want string }{
		{"empty", "", "not JSON"},
		{"text", "allow", "not JSON"},
		{"cut", `{"decision":"allow"`, "not JSON"},
		{"cut inside", `{"decision":`, "not JSON"},
		{"two documents", `{"decision":"allow"}{"decision":"deny"}`, "text after"},
		{"text after", `{"decision":"allow"} x`, "text after"},
		{"not UTF-8", "{\"decision\":\"allow\",\"message\":\"\xff\"}", "not JSON"},
		{"too deep", `{"decision":"allow","evidence":` + strings.Repeat("[", 20000), "not JSON"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			wantVerdictError(t, tc.doc, tc.want)
		})
	}
}

func wantVerdictError(t *testing.T, doc, want string) {
	t.Helper()
	v, err := pluginapi.ParseVerdict([]byte(doc))
	if !errors.Is(err, pluginapi.ErrVerdict) {
		t.Fatalf("error is %v, want one that wraps ErrVerdict", err)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error is %q, want %q in it", err, want)
	}
	if diff := cmp.Diff(pluginapi.Verdict{}, v); diff != "" {
		t.Errorf("verdict beside an error:\n%s", diff)
	}
}

// The error of a verdict may reach a client that must not see the target.
func TestVerdictErrorQuotesNothing(t *testing.T) {
	t.Parallel()
	const secret = "078-05-1120"
	for _, doc := range []string{
		`{"decision":"` + secret + `"}`,
		`{"` + secret + `":1}`,
		`{"decision":"allow","` + secret + `":1,"` + secret + `":1}`,
		`{"decision":"deny","reason":["` + secret + `"]}`,
		`{"decision":"allow","evidence":{"` + secret + `":1}}`,
		`{"decision":"allow"} ` + secret,
	} {
		_, err := pluginapi.ParseVerdict([]byte(doc))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("ParseVerdict(%s) = %v", doc, err)
		}
	}
}

func FuzzParseVerdict(f *testing.F) {
	for _, tc := range badVerdicts {
		f.Add([]byte(tc.doc))
	}
	f.Add([]byte(`{"decision":"transform","transform":{"path":"$target.a","value":[1]},"warnings":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := pluginapi.ParseVerdict(data)
		if err != nil {
			if !errors.Is(err, pluginapi.ErrVerdict) {
				t.Fatalf("%v does not wrap ErrVerdict", err)
			}
			return
		}
		written, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("write an accepted verdict: %v", err)
		}
		again, err := pluginapi.ParseVerdict(written)
		if err != nil {
			t.Fatalf("%s is refused after a round trip: %v", written, err)
		}
		rewritten, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if string(written) != string(rewritten) {
			t.Fatalf("%s became %s", written, rewritten)
		}
	})
}

// The schema knows no null here, but a guest that writes every member it has
// means that there is none.
func TestParseVerdictTakesNullForAbsent(t *testing.T) {
	t.Parallel()
	got, err := pluginapi.ParseVerdict([]byte(`{"decision":"deny","transform":null,"approval":null,"evidence":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pluginapi.Verdict{Decision: pluginapi.Deny}, got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}
