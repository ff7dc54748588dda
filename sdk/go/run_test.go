package snaphook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

func answering(v snaphook.Verdict) snaphook.Func {
	return func(*snaphook.Call) (snaphook.Verdict, error) { return v, nil }
}

func TestAnswerWritesTheVerdict(t *testing.T) {
	t.Parallel()
	warned := snaphook.Allow()
	warned.Warnings = []snaphook.Warning{{Reason: "late", Message: "It is late."}}
	for _, tc := range []struct {
		verdict snaphook.Verdict
		want    string
	}{
		{snaphook.Allow(), `{"decision":"allow"}`},
		{warned, `{"decision":"allow","warnings":[{"reason":"late","message":"It is late."}]}`},
		{snaphook.Deny("no", "Not now."), `{"decision":"deny","reason":"no","message":"Not now."}`},
		{snaphook.Deny("no", ""), `{"decision":"deny","reason":"no"}`},
		{snaphook.ReplaceContent(`a "b"`), `{"decision":"transform","transform":{"path":"$target.content","value":"a \"b\""}}`},
		{snaphook.Transform("$target.content.n", []byte("1.50")), `{"decision":"transform","transform":{"path":"$target.content.n","value":1.50}}`},
	} {
		got, err := snaphook.Answer(answering(tc.verdict), []byte(`{}`), &snaphooktest.Host{})
		if err != nil || string(got) != tc.want {
			t.Errorf("Answer = %s, %v; want %s", got, err, tc.want)
		}
	}
}

func TestAnswerRefusesAVerdictTheHostWouldRefuse(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]snaphook.Verdict{
		"forgotten":         {},
		"unknown decision":  {Decision: "maybe"},
		"reserved reason":   snaphook.Deny(pluginapi.ReservedPrefix+"trap", ""),
		"missing transform": {Decision: pluginapi.TransformTo},
	} {
		got, err := snaphook.Answer(answering(verdict), []byte(`{}`), &snaphooktest.Host{})
		if !errors.Is(err, pluginapi.ErrVerdict) || got != nil {
			t.Errorf("%s: Answer = %s, %v; want ErrVerdict", name, got, err)
		}
	}
}

func TestAnswerReturnsTheHooksError(t *testing.T) {
	t.Parallel()
	broken := errors.New("no connection")
	hook := func(*snaphook.Call) (snaphook.Verdict, error) { return snaphook.Allow(), broken }
	got, err := snaphook.Answer(hook, []byte(`{}`), &snaphooktest.Host{})
	if !errors.Is(err, broken) || got != nil {
		t.Errorf("Answer = %s, %v; want the hook's error", got, err)
	}
}

func TestAnswerTurnsAPanicIntoAnError(t *testing.T) {
	t.Parallel()
	var host snaphooktest.Host
	hook := func(*snaphook.Call) (snaphook.Verdict, error) {
		var counts map[string]int
		counts["x"]++
		return snaphook.Allow(), nil
	}
	got, err := snaphook.Answer(hook, []byte(`{}`), &host)
	if err == nil || !strings.Contains(err.Error(), "panic: assignment to entry in nil map") || got != nil {
		t.Errorf("Answer = %s, %v; want the panic as an error", got, err)
	}
	if len(host.Logs) == 0 || host.Logs[0].Level != snaphook.LevelError {
		t.Errorf("logs = %v; want the stack", host.Logs)
	}
}

func TestAnswerRefusesADocumentThatIsNoContext(t *testing.T) {
	t.Parallel()
	for _, document := range []string{"", "{", "[]", `{"agent": 1}`} {
		got, err := snaphook.Answer(answering(snaphook.Allow()), []byte(document), &snaphooktest.Host{})
		if err == nil || !strings.HasPrefix(err.Error(), "read context: ") || got != nil {
			t.Errorf("Answer(%q) = %s, %v; want a read error", document, got, err)
		}
	}
}

func TestRunNeedsWasm(t *testing.T) {
	t.Parallel()
	defer func() {
		if reason, _ := recover().(string); !strings.Contains(reason, "Wasm") {
			t.Errorf("Run panicked with %q; want a hint at Wasm", reason)
		}
	}()
	snaphook.Run(answering(snaphook.Allow()))
	t.Error("Run returned")
}
