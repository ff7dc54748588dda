package pluginapi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestParseComponent(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]pluginapi.Component{
		"judge": {Kind: "agent", ID: "judge"}, "agent:a_B-1": {Kind: "agent", ID: "a_B-1"},
		"team:t": {Kind: "team", ID: "t"}, "workflow:agent": {Kind: "workflow", ID: "agent"},
		"": {}, "agent:": {}, ":a": {}, "job:a": {}, "Agent:a": {}, "agent:team:a": {}, "-a": {}, "a b": {}, "ä": {},
	} {
		got, err := pluginapi.ParseComponent(name)
		if got != want || (err == nil) != (want.ID != "") {
			t.Errorf("ParseComponent(%q) = %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestParseRunRequest(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{"component":"j","input":"x"}`:                          "",
		`{"component":"j","input":{},"output_schema":{"a":1}}`:   "",
		`{"component":"j","input":"x","output_schema":null}`:     "",
		`{"component":"j","input":"x"} {}`:                       "text after the JSON object",
		`{"component":"j","Input":"x"}`:                          "unknown member",
		`{"component":"j","input":"x","input":"y"}`:              "a member is repeated",
		`{"component":1,"input":"x"}`:                            "component must not be a number",
		`{"component":"j"}`:                                      "input must be a string or an object",
		`{"component":"j","input":null}`:                         "input must be a string or an object",
		`{"component":"j","input":["secret"]}`:                   "input must be a string or an object",
		`{"component":"j","input":"x","output_schema":"string"}`: "output_schema must be an object",
		`["j"]`: "not a JSON object",
		``:      "not JSON",
	} {
		got, err := pluginapi.ParseRunRequest([]byte(document))
		if text := errorText(err); text != want || err == nil && (got.Component != "j" || got.Input == nil) {
			t.Errorf("%s: %+v, %q; want %q", document, got, text, want)
		}
	}
}

func TestParseEvaluation(t *testing.T) {
	t.Parallel()
	score, threshold := 7.5, 7.0
	for document, want := range map[string]pluginapi.Evaluation{
		`{"passed":false}`: {},
		`{"name":"n","score":7.5,"threshold":7,"passed":true,"reason":"r","criteria":"c","input":"i","output":{"o":1},"judge_run_id":"j"}`: {
			Name: "n", Score: &score, Threshold: &threshold, Passed: true, Reason: "r", Criteria: "c",
			Input: []byte(`"i"`), Output: []byte(`{"o":1}`), JudgeRunID: "j",
		},
		`{"passed":true,"name":null,"score":null,"input":null,"output":null}`: {Passed: true},
	} {
		got, err := pluginapi.ParseEvaluation([]byte(document))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", document, err, diff)
		}
	}
}

func TestParseEvaluationRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", pluginapi.MaxEvaluationNameBytes+1)
	for document, want := range map[string]string{
		`{}`:                                    "passed is missing",
		`{"passed":null}`:                       "passed is missing",
		`{"passed":"true"}`:                     "passed must not be a string",
		`{"passed":true,"score":"7"}`:           "score must not be a string",
		`{"passed":true,"score":1e999}`:         "score must not be a number 1e999",
		`{"passed":true,"reason":7}`:            "reason must not be a number",
		`{"passed":true,"input":7}`:             "input must be a string or an object",
		`{"passed":true,"output":["x"]}`:        "output must be a string or an object",
		`{"passed":true,"verdict":1}`:           "unknown member",
		`{"passed":true,"Reason":"r"}`:          "unknown member",
		`{"passed":true,"passed":false}`:        "a member is repeated",
		`{"passed":true,"name":"` + long + `"}`: "name must have at most 256 bytes",
		"{\"passed\":true,\"reason\":\"\xff\"}": "not JSON",
	} {
		if _, err := pluginapi.ParseEvaluation([]byte(document)); errorText(err) != want {
			t.Errorf("%.60s: %v, want %q", document, err, want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
