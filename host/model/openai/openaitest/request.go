package openaitest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// The interfaces, as Request.API has them.
const (
	Chat      = "chat"
	Responses = "responses"
)

// Request is a request as it came over the wire, the same for both interfaces.
type Request struct {
	// API is Chat or Responses.
	API      string
	Model    string
	Messages []Message
	Tools    []Tool
	Stream   bool
	// Temperature and Store are nil when they were not sent.
	Temperature *float64
	Store       *bool
	// MaxCompletionTokens is max_output_tokens of Responses.
	MaxCompletionTokens int
	// IncludeUsage is only of Chat.
	IncludeUsage bool
	// Format is nil when it was not sent.
	Format *Format

	// APIKey is the bearer token; Body the whole body.
	APIKey string
	Body   string
}

// routes parse the body of a request.
var routes = map[string]func(body []byte) (Request, error){
	"POST /v1/chat/completions": parseChat,
	"POST /v1/responses":        parseResponses,
}

func read(r *http.Request, parse func([]byte) (Request, error)) (Request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return Request{}, err
	}
	req, err := parse(body)
	if err == nil {
		err = errors.Join(checkFormat(req), checkTools(req.Tools), checkCalls(req.Messages))
	}
	req.Body = string(body)
	req.APIKey = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return req, err
}

// strict refuses parameters that the interface does not know or, as max_tokens,
// that not every model takes.
func strict(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

var errNoContent = errors.New("the content of a message without calls must be a string, got null")

func parseChat(body []byte) (Request, error) {
	var wire struct {
		Model         string        `json:"model"`
		Messages      []chatRequest `json:"messages"`
		Tools         []chatTool    `json:"tools"`
		Stream        bool          `json:"stream"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
		Temperature         *float64    `json:"temperature"`
		MaxCompletionTokens int         `json:"max_completion_tokens"`
		ResponseFormat      *chatFormat `json:"response_format"`
	}
	err := strict(body, &wire)
	req := Request{
		API: Chat, Model: wire.Model, Stream: wire.Stream, Temperature: wire.Temperature,
		MaxCompletionTokens: wire.MaxCompletionTokens, IncludeUsage: wire.StreamOptions.IncludeUsage,
		Format: wire.ResponseFormat.flat(),
	}
	for _, msg := range wire.Messages {
		if msg.Content == nil && len(msg.ToolCalls) == 0 {
			err = errors.Join(err, errNoContent)
		}
		req.Messages = append(req.Messages, msg.flat())
	}
	for _, tool := range wire.Tools {
		req.Tools = append(req.Tools, tool.Function)
	}
	return req, err
}

func parseResponses(body []byte) (Request, error) {
	var wire struct {
		Model           string         `json:"model"`
		Input           []item         `json:"input"`
		Tools           []responseTool `json:"tools"`
		Stream          bool           `json:"stream"`
		Temperature     *float64       `json:"temperature"`
		MaxOutputTokens int            `json:"max_output_tokens"`
		Store           *bool          `json:"store"`
		Text            struct {
			Format *Format `json:"format"`
		} `json:"text"`
	}
	err := strict(body, &wire)
	req := Request{
		API: Responses, Model: wire.Model, Stream: wire.Stream, Temperature: wire.Temperature,
		MaxCompletionTokens: wire.MaxOutputTokens, Store: wire.Store, Format: wire.Text.Format,
	}
	for _, item := range wire.Input {
		if item.Type == "function_call_output" && item.Output == nil {
			err = errors.Join(err, errNoContent)
		}
		req.Messages = item.appendTo(req.Messages)
	}
	for _, tool := range wire.Tools {
		req.Tools = append(req.Tools, tool.Tool)
	}
	return req, err
}
