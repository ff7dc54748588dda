package openai_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

func TestSchema(t *testing.T) {
	t.Parallel()
	closed := json.RawMessage(`{"type":"object","additionalProperties":false,"required":["a"],"properties":{"a":{"type":"string"}}}`)
	loose := json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"}}}`)
	strict := func(api openai.API, is bool) *bool {
		if api == openai.APIResponses && !is {
			return nil // which is false
		}
		return &is
	}
	for _, tc := range []struct {
		name   string
		config openai.ResponseFormat
		schema model.Schema
		want   func(api openai.API) *openaitest.Format
	}{
		{"strict", "", model.Schema{Name: "City facts!", JSON: closed, Strict: true}, func(api openai.API) *openaitest.Format {
			return &openaitest.Format{Type: "json_schema", Name: "City_facts_", Schema: closed, Strict: strict(api, true)}
		}},
		{"open", openai.ResponseFormatSchema, model.Schema{Name: strings.Repeat("a", 100), JSON: loose}, func(api openai.API) *openaitest.Format {
			return &openaitest.Format{Type: "json_schema", Name: strings.Repeat("a", 64), Schema: loose, Strict: strict(api, false)}
		}},
		{"any object", "", model.Schema{Name: "dict"}, func(openai.API) *openaitest.Format {
			return &openaitest.Format{Type: "json_object"}
		}},
		{"object", openai.ResponseFormatObject, model.Schema{JSON: closed, Strict: true}, func(openai.API) *openaitest.Format {
			return &openaitest.Format{Type: "json_object"}
		}},
		{"none", openai.ResponseFormatNone, model.Schema{JSON: closed}, func(openai.API) *openaitest.Format { return nil }},
		{"none, any object", openai.ResponseFormatNone, model.Schema{}, func(openai.API) *openaitest.Format { return nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			everyWay(t, func(t *testing.T, api openai.API, stream bool) {
				server := openaitest.New(t, openaitest.Always(openaitest.Text(`{"a":"b"}`)))
				m := open(t, openai.Config{API: api, BaseURL: server.BaseURL(), ResponseFormat: tc.config})
				var delta func(string) error
				if stream {
					delta, _ = collect()
				}
				got, err := m.Generate(t.Context(), model.Request{
					Messages: []model.Message{{Role: "user", Content: host.TextContent("Answer in JSON.")}}, Schema: &tc.schema,
				}, delta)
				if err != nil || got.Content != `{"a":"b"}` {
					t.Fatalf("response = %+v, %v", got, err)
				}
				if diff := cmp.Diff(tc.want(api), server.Requests()[0].Format); diff != "" {
					t.Errorf("format (-want +got):\n%s", diff)
				}
				if want := tc.config == "" || tc.config == openai.ResponseFormatSchema; m.Info().Schemas != want {
					t.Errorf("takes schemas: %v", !want)
				}
			})
		})
	}
}

// What a server says of a schema it does not take is the caller's to read.
func TestSchemaIsRefused(t *testing.T) {
	t.Parallel()
	everyWay(t, func(t *testing.T, api openai.API, stream bool) {
		server := openaitest.New(t, openaitest.Always(openaitest.Text("unused")))
		m := open(t, openai.Config{API: api, BaseURL: server.BaseURL()})
		var delta func(string) error
		if stream {
			delta, _ = collect()
		}
		_, err := m.Generate(t.Context(), model.Request{Schema: &model.Schema{Name: "a", JSON: json.RawMessage(`{"type":"object"}`), Strict: true}}, delta)
		if got := modelError(t, err); got.Status != 400 || !strings.Contains(got.Message, "'additionalProperties' must be false") {
			t.Errorf("error = %+v", got)
		}
	})
}
