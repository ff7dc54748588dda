package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The effects a call of one hook by itself may have.
const (
	effectsStubs = "stubs"
	effectsReal  = "real"
)

// tryBody is the body of a call of one hook by itself.
type tryBody struct {
	Hook    string            `json:"hook"`
	Context json.RawMessage   `json:"context"`
	Mode    pluginapi.Mode    `json:"mode"`
	Config  json.RawMessage   `json:"config"`
	OnError pluginapi.OnError `json:"on_error"`
	// The services answer from these, as in the tests of a manifest.
	HTTP         []json.RawMessage `json:"http"`
	KV           map[string]string `json:"kv"`
	SessionState json.RawMessage   `json:"session_state"`
	// Run is by the component's name, "[kind:]id".
	Run map[string]json.RawMessage `json:"run"`
}

var tryMembers = []string{"hook", "context", "mode", "config", "on_error", "http", "kv", "session_state", "run"}

// trialBody is what such a call came to.
type trialBody struct {
	// Verdict is what the hook answered, or what takes the place of a missing
	// answer; null when a background hook failed.
	Verdict   *pluginapi.Verdict  `json:"verdict"`
	Decision  pluginapi.Decision  `json:"decision,omitempty"`
	Outcome   host.HookOutcome    `json:"outcome,omitempty"`
	Mode      pluginapi.Mode      `json:"mode"`
	Guardrail bool                `json:"guardrail"`
	Warnings  []pluginapi.Warning `json:"warnings"`
	Logs      []host.LogLine      `json:"logs"`
	// Evaluations are what the hook found; nothing keeps them.
	Evaluations []object        `json:"evaluations,omitempty"`
	DurationMS  float64         `json:"duration_ms"`
	Error       *host.HookError `json:"error,omitempty"`
}

// tryHook calls one hook outside any run, on stubs unless real effects are asked
// for.
func (a *api) tryHook(w http.ResponseWriter, r *http.Request) error {
	query := newQueryDecoder(r)
	real := oneOf(query, "effects", effectsStubs, effectsStubs, effectsReal) == effectsReal
	if err := query.err(); err != nil {
		return err
	}
	var body tryBody
	if err := readDocument(w, r, &body, tryMembers); err != nil {
		return err
	}
	try, err := body.try(real)
	if err != nil {
		return err
	}
	if real {
		try.Runner = a.engine.TrialRunner()
	}
	result, err := a.plugins.Try(r.Context(), pathVar(r, "name"), pathVar(r, "version"), try)
	if err != nil {
		return err
	}
	a.writeJSON(w, r, http.StatusOK, newTrialBody(result))
	return nil
}

// try returns what the body asks for. What it means is for Plugins to judge.
func (b tryBody) try(real bool) (plugin.Try, error) {
	t := plugin.Try{
		Hook: b.Hook, Context: b.Context, Mode: b.Mode, Config: b.Config, OnError: b.OnError, Real: real,
		Stubs: plugin.Stubs{KV: b.KV, SessionState: b.SessionState},
	}
	for i, raw := range b.HTTP {
		var stub pluginapi.HTTPStub
		if decodeStrictly(raw, &stub) != nil {
			return t, host.Invalid(fmt.Sprintf("http[%d]", i), "must be an object with url, status and body")
		}
		t.Stubs.HTTP = append(t.Stubs.HTTP, stub)
	}
	for name, raw := range b.Run {
		var stub pluginapi.RunStub
		if decodeStrictly(raw, &stub) != nil {
			return t, host.Invalid("run."+name, "must be an object with status, content and error")
		}
		if t.Stubs.Run == nil {
			t.Stubs.Run = map[string]pluginapi.RunStub{}
		}
		t.Stubs.Run[name] = stub
	}
	return t, nil
}

// decodeStrictly reads one value whose members all are known.
func decodeStrictly(raw json.RawMessage, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}

func newTrialBody(result host.TrialResult) trialBody {
	call := result.Call
	body := trialBody{
		Decision: call.Decision, Outcome: call.Outcome, Mode: call.Mode, Guardrail: call.Guardrail,
		Warnings: call.Warnings, Logs: call.Logs, DurationMS: call.DurationMS, Error: call.Error,
	}
	for i := range call.Evaluations {
		body.Evaluations = append(body.Evaluations, newEvaluationBody(&call.Evaluations[i]))
	}
	if result.Verdict.Decision != "" {
		body.Verdict = &result.Verdict
	}
	return body
}
