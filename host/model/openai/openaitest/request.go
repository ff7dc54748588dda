package openaitest

import (
	"bytes"
	"encoding/json"
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

// Message is one message of a request.
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
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
		err = checkFormat(req)
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

func parseChat(body []byte) (Request, error) {
	var wire struct {
		Model         string    `json:"model"`
		Messages      []Message `json:"messages"`
		Stream        bool      `json:"stream"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
		Temperature         *float64    `json:"temperature"`
		MaxCompletionTokens int         `json:"max_completion_tokens"`
		ResponseFormat      *chatFormat `json:"response_format"`
	}
	err := strict(body, &wire)
	return Request{
		API: Chat, Model: wire.Model, Messages: wire.Messages, Stream: wire.Stream, Temperature: wire.Temperature,
		MaxCompletionTokens: wire.MaxCompletionTokens, IncludeUsage: wire.StreamOptions.IncludeUsage,
		Format: wire.ResponseFormat.flat(),
	}, err
}

func parseResponses(body []byte) (Request, error) {
	var wire struct {
		Model string `json:"model"`
		Input []struct {
			Type string `json:"type"`
			Message
		} `json:"input"`
		Stream          bool     `json:"stream"`
		Temperature     *float64 `json:"temperature"`
		MaxOutputTokens int      `json:"max_output_tokens"`
		Store           *bool    `json:"store"`
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
		req.Messages = append(req.Messages, item.Message)
	}
	return req, err
}
