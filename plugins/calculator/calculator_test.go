package main

import (
	"encoding/json"
	"testing"
)

func TestCalculate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		operation func(a, b float64) (float64, error)
		arguments string
		want      string
		err       string
	}{
		"add":            {add, `{"a":0.1,"b":0.2}`, "0.3", ""},
		"subtract":       {subtract, `{"a":1,"b":2.5}`, "-1.5", ""},
		"multiply":       {multiply, `{"a":1e10,"b":1e10}`, "1e+20", ""},
		"divide":         {divide, `{"a":1,"b":3}`, "0.333333333333333", ""},
		"divide by zero": {divide, `{"a":1,"b":0}`, "", "division by zero"},
		"overflow":       {multiply, `{"a":1e300,"b":1e300}`, "", "the result is too large"},
		"large":          {add, `{"a":123456789012345,"b":0}`, "123456789012345", ""},
	} {
		got, err := calculate(json.RawMessage(tc.arguments), tc.operation)
		if got != tc.want || (err == nil) != (tc.err == "") || err != nil && err.Error() != tc.err {
			t.Errorf("%s: %s, %v; want %s %s", name, got, err, tc.want, tc.err)
		}
		if err == nil && !json.Valid([]byte(got)) {
			t.Errorf("%s: %s is not JSON", name, got)
		}
	}
	if _, err := calculate(json.RawMessage(`{"a":"1"}`), add); err == nil {
		t.Error("text is a number")
	}
}
