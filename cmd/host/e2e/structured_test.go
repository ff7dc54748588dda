package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

const (
	citySchema = `{"title":"City","type":"object","additionalProperties":false,"required":["name","people"],` +
		`"properties":{"name":{"type":"string"},"people":{"type":"integer","minimum":1}}}`
	city   = `{"name":"Oslo","people":724000}`
	noCity = `{"name":"Oslo","people":"many"}`
)

// newStructured starts a host whose agent "city" answers with cities; "agent" does
// when a request asks for them.
func newStructured(t *testing.T, store string, model *openaitest.Server) *process {
	t.Helper()
	return newSite(t, config{store: store, model: openai(model.BaseURL()), agents: []string{
		"agent", fmt.Sprintf("{id: city, model: default, output_schema: %s}", citySchema),
	}}).start(t)
}

// TestStructuredOutput: the content of a run is an object of the schema, wherever
// it is shown.
func TestStructuredOutput(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := openaitest.New(t, openaitest.Always(openaitest.Text(city)))
		p := newStructured(t, store, model)
		for agent, f := range map[string]form{
			"agent": {"message": "Oslo", "session_id": "a", "output_schema": citySchema},
			"city":  {"message": "Oslo", "session_id": "b"},
		} {
			r := p.ended(t, p.launch(t, agent, f)).must(t, city)
			if r.ContentType != "City" {
				t.Errorf("%s: the content is a %q", agent, r.ContentType)
			}
			p.get(t, "/sessions/"+r.SessionID+"/runs").want(t, 200).says(t, `"content":`+city)
			events := p.resume(t, r, fromStart).rest(t)
			if last := events[len(events)-1]; last.Name != "RunCompleted" || last.text() != city {
				t.Errorf("%s: the stream ends with %s %s", agent, last.Name, last.text())
			}
			p.run(t, agent, f).must(t, city)
		}
		for _, req := range model.Requests() {
			if req.Format == nil || req.Format.Type != "json_schema" || req.Format.Name != "City" || req.Format.Strict == nil || !*req.Format.Strict {
				t.Errorf("the model was asked for the form %+v", req.Format)
			}
		}
	})
}

// TestRepairedOutput: a model that does not keep to the schema is told so once.
func TestRepairedOutput(t *testing.T) {
	t.Parallel()
	eachStore(t, func(t *testing.T, store string) {
		model := openaitest.New(t, openaitest.Script(
			openaitest.Text(noCity), openaitest.Text(city),
			openaitest.Text("Oslo is nice."), openaitest.Text(noCity)))
		p := newStructured(t, store, model)
		repaired := p.ended(t, p.launch(t, "city", form{"message": "Oslo"})).must(t, city)
		if n := len(repaired.Messages); n != 2 || string(repaired.Messages[n-1].Content) != city {
			t.Errorf("the messages are %+v, want no trace of the first answer", repaired.Messages)
		}
		failed := p.ended(t, p.launch(t, "city", form{"message": "Bergen"}))
		if failed.Status != "ERROR" || failed.ErrorType != "output_schema_error" || !strings.Contains(string(failed.Content), "people") {
			t.Errorf("the run is %+v", failed)
		}
		p.get(t, failed.path()).says(t, `"path":"people"`)
		requests := model.Requests()
		if len(requests) != 4 {
			t.Fatalf("the model was asked %d times, want twice for each run", len(requests))
		}
		for i, problem := range map[int]string{1: "people", 3: "JSON"} {
			if told := lastMessage(requests[i]); !strings.Contains(told, problem) {
				t.Errorf("the model was told %q, want what is wrong: %s", told, problem)
			}
		}
	})
}

// TestSchemasThatAreNone are refused before anything is stored.
func TestSchemasThatAreNone(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	for name, schema := range map[string]string{
		"no JSON":       `{"type":`,
		"no object":     `[]`,
		"no schema":     `{"type":"cities"}`,
		"a remote part": `{"type":"object","properties":{"a":{"$ref":"https://example.com/a"}}}`,
		"huge":          `{"type":"object","description":"` + strings.Repeat("x", 1<<20) + `"}`,
		"deep":          strings.Repeat(`{"not":`, 1000) + "{}" + strings.Repeat("}", 1000),
	} {
		r := p.submit(t, "agent", form{"message": "hello", "session_id": "s", "output_schema": schema})
		if r.status != 422 || !strings.Contains(string(r.body), "output_schema") {
			t.Errorf("%s: status %d: %.300s", name, r.status, r.body)
		}
	}
	if got := p.get(t, "/sessions/s/runs").status; got != 404 {
		t.Errorf("the session of refused requests is answered with %d", got)
	}
	recursive := `{"type":"object","$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}}}}}`
	p.ended(t, p.launch(t, "agent", form{"message": "hello", "output_schema": recursive})).must(t, "{}")
	if diff := cmp.Diff("hello", string(p.run(t, "agent", form{"message": "hello"}).Content)); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
}
