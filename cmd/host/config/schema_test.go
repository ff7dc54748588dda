package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

func TestOutputSchema(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte(`models: {m: {provider: echo}}
agents:
  - id: a
    model: m
    session_concurrency: parallel
    output_schema:
      title: City
      type: object
      properties: {name: {type: string, pattern: "^[A-Z]+$"}}
  - {id: b, model: m, session_concurrency: serial, output_schema: {type: json_object}}
`), "/", Options{LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"properties":{"name":{"pattern":"^[A-Z]+$","type":"string"}},"title":"City","type":"object"}`
	if got := c.Agents[0]; string(got.OutputSchema) != want || !got.ParallelSessions {
		t.Errorf("schema = %s, parallel = %v", got.OutputSchema, got.ParallelSessions)
	}
	if got := c.Agents[1]; string(got.OutputSchema) != `{"type":"json_object"}` || got.ParallelSessions {
		t.Errorf("schema = %s, parallel = %v", got.OutputSchema, got.ParallelSessions)
	}
}

func TestProblemsOfSchemas(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `models: {m: {provider: echo}}
agents:
  - id: a
    model: m
    output_schema:
      type: object
      properties:
        a:
          type: integer
          minimum: low
        b: {$ref: "https://example.com/b"}
  - id: b
    model: m
    output_schema:
      type: object
      properties:
        a:
          minimum: low
  - {id: c, model: m, output_schema: {type: array}}
  - {id: d, model: m, output_schema: City, session_concurrency: some}
  - {id: e, model: m, output_schema: {type: object, pattern: "${NONE}"}}
  - {id: f, model: m, output_schema: {type: object, properties: {"a b": {minimum: low}}}}
`)
	want := []string{
		`line 11: agents[0].output_schema.properties.b: "https://example.com/b": a reference must not leave the document`,
		`line 18: agents[1].output_schema.properties.a.minimum: got string, want number`,
		`line 19: agents[2].output_schema: the root must be an object: say "type": "object"`,
		`line 20: agents[3].output_schema: must be a mapping, not text`,
		`line 20: agents[3].session_concurrency: "some" is not one of serial, parallel`,
		`line 21: agents[4].output_schema.pattern: the environment variable NONE is not set`,
		`line 22: agents[5].output_schema: properties["a b"].minimum: got string, want number`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

const answers = "- respond: {content: from the file}\n"

// folder makes one with the files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestScript(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"model.yaml": answers})
	text := []byte(`models: {m: {provider: openai, id: gpt, api_key: "${KEY}", offline: script, script: model.yaml}}`)
	c, err := parse(text, dir, Options{LookupEnv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Models["m"].Generate(t.Context(), model.Request{}, nil)
	if err != nil || got.Content != "from the file" || !cmp.Equal(c.OfflineModels, []string{"m"}) {
		t.Errorf("response = %+v, %v; offline: %q", got, err, c.OfflineModels)
	}
	if c, err = parse(text, dir, Options{LookupEnv: env(map[string]string{"KEY": "sk-1"})}); err != nil {
		t.Fatal(err)
	}
	if info := c.Models["m"].Info(); info.ID != "gpt" || c.OfflineModels != nil {
		t.Errorf("with a key: model %s, offline: %q", info.ID, c.OfflineModels)
	}
}

func TestProblemsOfScripts(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"model.yaml": answers, "wrong.yaml": "- respond: {}\n- respond: {text: a}\n"})
	_, err := parse([]byte(`models:
  a: {provider: openai, id: gpt, offline: script}
  b: {provider: openai, id: gpt, offline: echo, script: model.yaml}
  c: {provider: openai, id: gpt, offline: script, script: none.yaml}
  d: {provider: openai, id: gpt, offline: script, script: wrong.yaml, api_key: sk-1}
  e: {provider: openai, id: gpt, offline: script, script: [model.yaml]}
  f: {provider: openai, id: gpt, api_key: sk-1, response_format: xml}
  g: {provider: openai, id: gpt, api_key: sk-1, script: model.yaml}
`), dir, Options{LookupEnv: env(nil)})
	want := []string{
		`line 2: models.a: script is missing`,
		`line 3: models.b.script: is only for offline: script`,
		`line 4: models.c.script: read script: open ` + filepath.Join(dir, "none.yaml") + `: no such file or directory`,
		`line 5: models.d.script: wrong.yaml: line 1: [0].respond: needs content or json`,
		`line 5: models.d.script: wrong.yaml: line 2: [1].respond: needs content or json`,
		`line 5: models.d.script: wrong.yaml: line 2: [1].respond.text: unknown key; known are content, json, tool_calls`,
		`line 6: models.e.script: must be text, not a list`,
		`line 7: models.f.response_format: "xml" is not one of json_schema, json_object, none`,
		`line 8: models.g.script: is only for offline: script`,
	}
	if diff := cmp.Diff(want, linesOf(t, err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestResponseFormat(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t, openaitest.Always(openaitest.Text("{}")))
	for format, want := range map[string]*openaitest.Format{
		"json_object": {Type: "json_object"}, "none": nil,
	} {
		c, err := parse([]byte(`models: {m: {provider: openai, id: gpt, base_url: "`+server.BaseURL()+`", response_format: `+format+`}}`),
			"/", Options{LookupEnv: env(nil)})
		if err != nil {
			t.Fatal(err)
		}
		request := model.Request{
			Messages: []model.Message{{Role: "user", Content: host.TextContent("JSON, please")}},
			Schema:   &model.Schema{Name: "a", JSON: []byte(`{"type":"object"}`)},
		}
		if _, err := c.Models["m"].Generate(t.Context(), request, nil); err != nil {
			t.Fatal(err)
		}
		sent := server.Requests()
		if diff := cmp.Diff(want, sent[len(sent)-1].Format); diff != "" {
			t.Errorf("%s: format (-want +got):\n%s", format, diff)
		}
	}
}
