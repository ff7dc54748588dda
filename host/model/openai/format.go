package openai

import (
	"strings"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host/model"
)

// formatFor is how the server is told of a schema: as a whole, as an object, or not
// at all.
func (c Config) formatFor(schema *model.Schema) ResponseFormat {
	switch {
	case schema == nil || c.ResponseFormat == ResponseFormatNone:
		return ResponseFormatNone
	case schema.JSON == nil:
		return ResponseFormatObject
	}
	return c.ResponseFormat
}

func (c chat) responseFormat(schema *model.Schema) *sdk.ChatCompletionResponseFormat {
	switch c.config.formatFor(schema) {
	case ResponseFormatSchema:
		return &sdk.ChatCompletionResponseFormat{
			Type: sdk.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &sdk.ChatCompletionResponseFormatJSONSchema{
				Name: protocolName(schema.Name, "answer"), Schema: schema.JSON, Strict: schema.Strict,
			},
		}
	case ResponseFormatObject:
		return &sdk.ChatCompletionResponseFormat{Type: sdk.ChatCompletionResponseFormatTypeJSONObject}
	}
	return nil
}

func (r responses) textConfig(schema *model.Schema) *sdk.ResponseTextConfig {
	format := sdk.ResponseTextFormat{Type: string(r.config.formatFor(schema))}
	switch ResponseFormat(format.Type) {
	case ResponseFormatSchema:
		format.Name, format.Schema, format.Strict = protocolName(schema.Name, "answer"), schema.JSON, schema.Strict
	case ResponseFormatNone:
		return nil
	}
	return &sdk.ResponseTextConfig{Format: &format}
}

// maxName is the length in bytes that the protocol allows.
const maxName = 64

// protocolName writes a text as the protocol wants the names of schemas and tools:
// letters, digits, _ and -. An empty one is called otherwise.
func protocolName(text, otherwise string) string {
	name := strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, text)
	if name == "" {
		return otherwise
	}
	return name[:min(len(name), maxName)]
}
