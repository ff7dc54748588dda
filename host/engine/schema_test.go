package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/job/pool"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

const citySchema = `{
	"title": "City", "type": "object", "additionalProperties": false, "required": ["city", "population"],
	"properties": {"city": {"type": "string"}, "population": {"type": "integer", "minimum": 1}}
}`

const oslo = `{"city":"Oslo","population":700000}`

// asksFor is a request with a schema.
func asksFor(schema string) host.RunRequest {
	req := asks("Tell me of Oslo.")
	req.OutputSchema = json.RawMessage(schema)
	return req
}

// answers makes the model give these answers in turn, the last again and again.
func (f *fixture) answers(texts ...string) {
	f.model.answer = func(context.Context, func(string) error) (model.Response, error) {
		text := texts[min(len(f.model.requests), len(texts))-1]
		return model.Response{
			Content: text, FinishReason: "stop", Usage: host.Metrics{InputTokens: 10, OutputTokens: 5, TotalTokens: 15},
		}, nil
	}
}

func TestStructuredOutput(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain":       oslo,
		"white space": "\n {\"city\": \"Oslo\",\n \"population\": 700000}\n",
		"fenced":      "```json\n" + oslo + "\n```",
		"fenced so":   " ```\n" + oslo + "```\n",
		"marked":      "\ufeff" + oslo,
		"in prose":    "Here it is:\n```JSON\n" + oslo + "\n```\nAsk me more!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.answers(text)
			var s stream
			req := asksFor(citySchema)
			req.Events = s.send
			run := f.run(t, req)
			if run.Status != host.RunCompleted || string(run.Content) != oslo || run.ContentType != "City" {
				t.Fatalf("run = %s %s %s", run.Status, run.Content, run.ContentType)
			}
			stored := f.stored(t, run.ID)
			last := stored.Messages[len(stored.Messages)-1]
			if string(stored.Content) != oslo || stored.ContentType != "City" || string(last.Content) != oslo || len(stored.Messages) != 3 {
				t.Errorf("stored: %s %s, messages %+v", stored.Content, stored.ContentType, stored.Messages)
			}
			want := []string{
				"RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "RunContent", "RunContentCompleted", "RunCompleted",
			}
			if diff := cmp.Diff(want, s.kinds()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if s.content() != oslo {
				t.Errorf("stream: %s", s.content())
			}
		})
	}
}

func TestWhatTheModelIsTold(t *testing.T) {
	t.Parallel()
	const anything = "Answer with a JSON object and nothing else."
	for _, tc := range []struct {
		name, schema string
		told         model.Schema
		system       string
	}{
		{"schema", citySchema, model.Schema{Name: "City", JSON: json.RawMessage(
			`{"title":"City","type":"object","additionalProperties":false,"required":["city","population"],"properties":{"city":{"type":"string"},"population":{"type":"integer","minimum":1}}}`,
		), Strict: true}, ""},
		{"no title", `{"type":"object"}`, model.Schema{Name: "DynamicModel", JSON: json.RawMessage(`{"type":"object"}`)}, ""},
		{"any object", `{"type": "json_object"}`, model.Schema{Name: "dict"}, anything},
	} {
		for _, takesSchemas := range []bool{false, true} {
			t.Run(fmt.Sprint(tc.name, takesSchemas), func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.agent.Markdown = true
				f.model.schemas = takesSchemas
				f.answers(oslo)
				if run := f.run(t, asksFor(tc.schema)); run.ContentType != tc.told.Name {
					t.Errorf("content type = %s", run.ContentType)
				}
				req := f.model.requests[0]
				if diff := cmp.Diff(&tc.told, req.Schema); diff != "" || req.Agent != "a" || req.Turn != 1 {
					t.Errorf("agent %q, turn %d, schema (-want +got):\n%s", req.Agent, req.Turn, diff)
				}
				want := "Be brief."
				switch {
				case tc.system != "":
					want += "\n" + tc.system
				case !takesSchemas:
					want += "\nAnswer with a JSON object that fits this JSON Schema, and nothing else:\n" + string(tc.told.JSON)
				}
				if diff := cmp.Diff(want, host.Text(req.Messages[0].Content)); diff != "" {
					t.Errorf("system message (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestPlainObject(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.answers(oslo)
	req := asksFor(citySchema)
	req.PlainObject = true
	if run := f.run(t, req); string(run.Content) != oslo || run.ContentType != "dict" {
		t.Errorf("run = %s %s", run.Content, run.ContentType)
	}
}

func TestSchemaOfTheAgent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.agent.OutputSchema = json.RawMessage(`{"title": "Own", "type": "object"}`)
	f.answers(oslo)
	if run := f.run(t, asks("hello")); run.ContentType != "Own" {
		t.Errorf("content type = %s", run.ContentType)
	}
	if run := f.run(t, asksFor(citySchema)); run.ContentType != "City" {
		t.Errorf("content type with a request's schema = %s", run.ContentType)
	}
}

func TestRepair(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointPreModelCall, "before", says(allow)), blocking(pluginapi.PointPostModelCall, "after", says(allow)))
	f.answers(`{"city":"Oslo","population":"many","fjord":1}`, oslo)
	var s stream
	req := asksFor(citySchema)
	req.Events = s.send
	run := f.run(t, req)
	if run.Status != host.RunCompleted || string(run.Content) != oslo || run.Metrics.TotalTokens != 30 {
		t.Fatalf("run = %s %s, %+v", run.Status, run.Content, run.Metrics)
	}
	second := f.model.requests[1]
	var roles, texts []string
	for _, m := range second.Messages {
		roles, texts = append(roles, m.Role), append(texts, host.Text(m.Content))
	}
	if diff := cmp.Diff([]string{"system", "user", "assistant", "user"}, roles); diff != "" || second.Turn != 2 || second.Schema == nil {
		t.Errorf("turn %d, schema %v, roles (-want +got):\n%s", second.Turn, second.Schema, diff)
	}
	wantRepair := "Your answer does not fit the required JSON Schema:\n- fjord: is not a property of the schema\n- population: got string, want integer\n" +
		"Answer again with the corrected JSON object and nothing else."
	if diff := cmp.Diff([]string{`{"city":"Oslo","population":"many","fjord":1}`, wantRepair}, texts[2:]); diff != "" {
		t.Errorf("repair (-want +got):\n%s", diff)
	}
	if stored := f.stored(t, run.ID); len(stored.Messages) != 3 || f.store.contains(t, "fjord") {
		t.Errorf("the repair was stored: %+v", stored.Messages)
	}
	seen := f.hooks.at(pluginapi.PointPostModelCall)
	if len(seen) != 2 || host.Text(seen[0].Response.Content) != `{"city":"Oslo","population":"many","fjord":1}` {
		t.Errorf("post_model_call saw %d answers: %+v", len(seen), seen)
	}
	want := []string{
		"pre_model_call before completed", "post_model_call after completed",
		"pre_model_call before completed", "post_model_call after completed",
	}
	if diff := cmp.Diff(want, f.calls(t, run.ID)); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	kinds := []string{
		"RunStarted", "ModelRequestStarted", "ModelRequestCompleted", "ModelRequestStarted", "ModelRequestCompleted",
		"RunContent", "RunContentCompleted", "RunCompleted",
	}
	if diff := cmp.Diff(kinds, s.kinds()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What the model said in vain is neither told nor stored: no hook of output has
// permitted it.
func TestAnswerThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, answer, want string }{
		{"prose", "The secret is out.", "is not JSON from byte 1 on"},
		{"wrong values", `{"city": "secret", "population": 0, "secret": 1}`, "*: is not a property of the schema; population: must be at least 1"},
		{"two answers", "Either:\n```json\n" + oslo + "\n```\nor the secret\n```json\n" + oslo + "\n```", "is not JSON from byte 1 on"},
		{"other language", "So:\n```python\n" + oslo + "\n```", "is not JSON from byte 1 on"},
		{"half an answer", `{"city": "secret`, "is not JSON: it ends too early"},
		{"no Unicode", `{"city": "secret \ud800", "population": 1}`, "is not valid Unicode"},
		{"a list", `[` + oslo + `, "secret"]`, "got array, want object"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, background(pluginapi.PointOutput, "later"))
			f.answers(tc.answer)
			var s stream
			req := asksFor(citySchema)
			req.Events = s.send
			run := f.run(t, req)
			want := "The model's answer does not fit the output schema: " + tc.want
			if run.Status != host.RunError || run.Failure.Type != host.FailureOutputSchema || run.Failure.Refused ||
				host.Text(run.Content) != want || run.Failure.Message != want || run.ContentType != "str" {
				t.Errorf("run = %s %s, failure %+v", run.Status, run.Content, run.Failure)
			}
			if len(f.model.requests) != 2 {
				t.Errorf("%d requests", len(f.model.requests))
			}
			if f.store.contains(t, "secret") || s.contains(t, "secret") {
				t.Error("the answer left the run")
			}
			if got := f.calls(t, run.ID); !cmp.Equal(got, []string{"output later skipped run_not_completed"}) {
				t.Errorf("calls = %q", got)
			}
			if kinds := s.kinds(); kinds[len(kinds)-1] != "RunError" {
				t.Errorf("events = %q", kinds)
			}
		})
	}
}

// TestHistoryOfObjects: a model reads what it said, which is text.
func TestHistoryOfObjects(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.answers(oslo)
	f.run(t, asksFor(citySchema))
	f.run(t, asks("And now?"))
	said := f.model.requests[1].Messages[2]
	if said.Role != "assistant" || string(said.Content) != string(host.TextContent(oslo)) {
		t.Errorf("%s said %s", said.Role, said.Content)
	}
}

func TestHooksOfOutputSeeTheObject(t *testing.T) {
	t.Parallel()
	rename := blocking(pluginapi.PointOutput, "rename", says(transform("$target.content.city", "Christiania")))
	f := newFixture(t, rename)
	f.answers("```json\n" + oslo + "\n```")
	run := f.run(t, asksFor(citySchema))
	if want := `{"city":"Christiania","population":700000}`; run.Status != host.RunCompleted || string(run.Content) != want || run.ContentType != "City" {
		t.Errorf("run = %s %s %s, %+v", run.Status, run.Content, run.ContentType, run.Failure)
	}
	if seen := f.hooks.at(pluginapi.PointOutput); string(seen[0].Output.Content) != oslo {
		t.Errorf("output saw %s", seen[0].Output.Content)
	}
}

func TestHookThatSpoilsTheObject(t *testing.T) {
	t.Parallel()
	f := newFixture(t,
		blocking(pluginapi.PointOutput, "check", says(allow)),
		blocking(pluginapi.PointOutput, "mask", says(transform("$target.content.population", "secret"))))
	f.answers(oslo)
	run := f.run(t, asksFor(citySchema))
	want := "The answer as the hook mask.hook changed it does not fit the output schema: population: got string, want integer"
	if run.Status != host.RunError || run.Failure.Type != host.FailureOutputSchema || host.Text(run.Content) != want {
		t.Errorf("run = %s %s, %+v", run.Status, run.Content, run.Failure)
	}
	if len(f.model.requests) != 1 {
		t.Errorf("%d requests", len(f.model.requests))
	}
}

// A hook of post_model_call may make the object itself.
func TestHookThatMakesTheObject(t *testing.T) {
	t.Parallel()
	verdict := `{"decision":"transform","transform":{"path":"$target.content","value":` + oslo + `}}`
	f := newFixture(t, blocking(pluginapi.PointPostModelCall, "parse", says(verdict)))
	f.answers("Oslo has 700,000 inhabitants.")
	if run := f.run(t, asksFor(citySchema)); run.Status != host.RunCompleted || string(run.Content) != oslo {
		t.Errorf("run = %s %s, %+v", run.Status, run.Content, run.Failure)
	}
}

func TestDenyOfAStructuredOutput(t *testing.T) {
	t.Parallel()
	f := newFixture(t, blocking(pluginapi.PointOutput, "guard", says(deny)))
	f.answers(oslo)
	run := f.run(t, asksFor(citySchema))
	if run.Status != host.RunError || run.Failure.Type != host.FailureOutputCheck || host.Text(run.Content) != "Not here." || run.ContentType != "str" {
		t.Errorf("run = %s %s %s, %+v", run.Status, run.Content, run.ContentType, run.Failure)
	}
}

// The next turn's model gets the object as the text it was.
func TestObjectInHistory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.answers(oslo)
	f.run(t, asksFor(citySchema))
	f.run(t, asks("And Bergen?"))
	if sent := f.model.requests[1].Messages; len(sent) != 4 || host.Text(sent[2].Content) != oslo {
		t.Errorf("the model saw %+v", sent)
	}
	if f.model.requests[1].Schema != nil {
		t.Error("the schema stayed")
	}
}

func TestRequestWithAWrongSchema(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for schema, want := range map[string]string{
		`{"type": "objekt"}`:   "output_schema is not a schema that can be used: type: got string, want array; type: value must be one of",
		`{"type": "array"}`:    `output_schema is not a schema that can be used: the root must be an object: say "type": "object"`,
		`{`:                    "output_schema is not a schema that can be used: is not JSON",
		`{"$ref": "file:///"}`: `output_schema is not a schema that can be used: "file:///": a reference must not leave the document`,
	} {
		_, err := f.Run(t.Context(), asksFor(schema))
		var refused *host.Error
		if !errors.As(err, &refused) || refused.Code != host.CodeInvalid || refused.Field != "output_schema" || !strings.HasPrefix(refused.Message, want) {
			t.Errorf("%s: error = %v", schema, err)
		}
		if _, err := f.Start(t.Context(), asksFor(schema)); host.CodeOf(err) != host.CodeInvalid {
			t.Errorf("%s, in the background: error = %v", schema, err)
		}
	}
	if len(f.store.created) != 0 {
		t.Errorf("runs were created: %+v", f.store.created)
	}
}

func TestNewRefusesAWrongSchema(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	log := slog.New(slog.DiscardHandler)
	d, err := hook.NewDispatcher(hook.Config{Caller: f.hooks, Bindings: f.hooks, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	p, err := pool.New(pool.Config{Workers: 1, Queue: 9, PluginRoom: 10})
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.New(engine.Config{
		Store: f.store, Hooks: d, Pool: p, Agents: []*host.Agent{{ID: "b", Model: "default", OutputSchema: json.RawMessage(`{}`)}},
		Models: map[string]model.Model{"default": f.model}, Node: "node", Log: log,
	})
	if err == nil || !strings.Contains(err.Error(), "agent b: output_schema is not a schema that can be used: the root must be an object") {
		t.Errorf("error = %v", err)
	}
}
