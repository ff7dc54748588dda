package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

// object has data in nested strings, escapes, a number text and an order that
// must survive.
const object = `{"z": 1.50, "note": "a \"b\" <c>", "who": {"mail": ["a@b.co", "\u0061@b.co"]}, "a": null}`

func TestCheck(t *testing.T) {
	t.Parallel()
	mail := []snaphook.Warning{{Reason: "pii_email", Message: "email: 1"}}
	mails := []snaphook.Warning{{Reason: "pii_email", Message: "email: 2"}}
	refusal := snaphook.Deny("pii_detected", "Potential PII detected in input")
	warn := func(v snaphook.Verdict, warnings []snaphook.Warning) snaphook.Verdict {
		v.Warnings = warnings
		return v
	}
	for name, tc := range map[string]struct {
		config  string
		content any
		want    snaphook.Verdict
	}{
		"harmless":               {"", "hello", snaphook.Allow()},
		"harmless object":        {`{"mask": true}`, json.RawMessage(`{"a": 1}`), snaphook.Allow()},
		"refused":                {"", "I am a@b.co", warn(refusal, mail)},
		"refused in an object":   {"", json.RawMessage(object), warn(refusal, mails)},
		"masked":                 {`{"mask": true}`, "I am a@b.co", warn(snaphook.ReplaceContent("I am ******"), mail)},
		"masked with quotes":     {`{"mask": true}`, `"a@b.co"`, warn(snaphook.ReplaceContent(`"******"`), mail)},
		"refused in a name":      {`{"mask": true}`, json.RawMessage(`{"a@b.co" : "x"}`), warn(refusal, mail)},
		"not looked for":         {`{"detect": ["ssn"]}`, "I am a@b.co", snaphook.Allow()},
		"looked for with others": {`{"detect": ["ssn", "email"]}`, "I am a@b.co", warn(refusal, mail)},
		"masked in an object": {`{"mask": true}`, json.RawMessage(object), warn(snaphook.ReplaceContentJSON(
			json.RawMessage(`{"z":1.50,"note":"a \"b\" \u003cc\u003e","who":{"mail":["******","******"]},"a":null}`)), mails)},
	} {
		host := snaphooktest.Host{Config: tc.config}
		got, err := host.Call(check, snaphooktest.Input(tc.content))
		if err != nil || !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%s: check = %+v, %v; want %+v", name, got, err, tc.want)
		}
		if len(host.Logs) != 0 {
			t.Errorf("%s: logged %v, want nothing", name, host.Logs)
		}
	}
}

func TestCheckFailsRatherThanAllows(t *testing.T) {
	t.Parallel()
	empty := snaphooktest.Input("hello")
	empty.Target = json.RawMessage(`{"role": "user"}`)
	for name, tc := range map[string]struct {
		config  string
		context pluginapi.Context
		want    string
	}{
		"no content":     {"", empty, "no content"},
		"a typo":         {`{"maks": true}`, snaphooktest.Input("hello"), `unknown field "maks"`},
		"a wrong type":   {`{"mask": "yes"}`, snaphooktest.Input("hello"), "mask must not be a string"},
		"nothing wanted": {`{"detect": []}`, snaphooktest.Input("hello"), "detect must not be empty"},
		"unknown kind":   {`{"detect": ["iban"]}`, snaphooktest.Input("hello"), `"iban"`},
	} {
		host := snaphooktest.Host{Config: tc.config}
		got, err := host.Call(check, tc.context)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: check = %+v, %v; want an error with %s", name, got, err, tc.want)
		}
	}
}

func TestRewriteStringsKeepsTheRest(t *testing.T) {
	t.Parallel()
	const document = ` {"a\\" : "x\ud83d\ude00\u003c", "b":[1e5 ,"", true]} `
	var seen []string
	got := rewriteStrings(json.RawMessage(document), func(text string, isName bool) string {
		if isName {
			text += ":"
		}
		seen = append(seen, text)
		return strings.TrimSuffix(text, ":")
	})
	if string(got) != document {
		t.Errorf("rewriteStrings = %s, want %s", got, document)
	}
	if want := []string{`a\:`, "x😀<", "b:", ""}; !reflect.DeepEqual(seen, want) {
		t.Errorf("saw %q, want %q", seen, want)
	}
}
