// Package openai is a model behind the OpenAI chat completions protocol, which
// many servers speak beside OpenAI's own.
package openai

import (
	"context"
	"math"
	"net/url"
	"strings"
	"time"
	"unicode"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
)

// The defaults of Config.
const (
	DefaultBaseURL          = "https://api.openai.com/v1"
	DefaultTimeout          = 5 * time.Minute
	DefaultMaxResponseBytes = 32 << 20
)

// Config describes one model of one server.
type Config struct {
	// ID is the model's id at the provider, such as gpt-5.2. Required.
	ID string
	// BaseURL is the address above /chat/completions; DefaultBaseURL when empty.
	BaseURL string
	// APIKey is sent as a bearer token; empty for servers that want none.
	APIKey string
	// Temperature is 0 to 2; nil leaves it to the provider.
	Temperature *float64
	// MaxCompletionTokens bounds one answer; 0 leaves it to the provider.
	MaxCompletionTokens int
	// Timeout is the deadline of one request, its answer included;
	// DefaultTimeout when 0.
	Timeout time.Duration
	// MaxResponseBytes bounds what is read of one answer;
	// DefaultMaxResponseBytes when 0.
	MaxResponseBytes int64
}

// Model sends requests to one model of one server.
type Model struct {
	config Config
	client *sdk.Client
}

var _ model.Model = (*Model)(nil)

// New checks the configuration; it does no I/O. Its error is a *host.Error with
// a problem for every field that is wrong.
func New(config Config) (*Model, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	clientConfig := sdk.DefaultConfig(config.APIKey)
	clientConfig.BaseURL = config.BaseURL
	clientConfig.HTTPClient = newHTTPClient(config.MaxResponseBytes)
	clientConfig.EmptyMessagesLimit = math.MaxUint16 // comments that keep a slow stream alive
	m := &Model{config: config, client: sdk.NewClientWithConfig(clientConfig)}
	if err := sdk.NewReasoningValidator().Validate(m.request(nil)); err != nil {
		return nil, &host.Error{
			Code: host.CodeInvalid, Message: "the model's configuration is wrong",
			Problems: []host.Problem{{Path: "temperature", Message: err.Error()}},
		}
	}
	return m, nil
}

func (c Config) withDefaults() Config {
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxResponseBytes == 0 {
		c.MaxResponseBytes = DefaultMaxResponseBytes
	}
	return c
}

// check returns a *host.Error with a problem for each wrong field, by its name in
// the configuration.
func (c Config) check() error {
	var problems []host.Problem
	wrong := func(is bool, field, message string) {
		if is {
			problems = append(problems, host.Problem{Path: field, Message: message})
		}
	}
	wrong(c.ID == "", "id", "must name a model")
	wrong(!isPlainURL(c.BaseURL), "base_url", "must be an http or https URL without user, query and fragment")
	wrong(strings.ContainsFunc(c.APIKey, unprintable), "api_key", "must not hold white space or control characters")
	wrong(c.Temperature != nil && !(*c.Temperature >= 0 && *c.Temperature <= 2), "temperature", "must be from 0 to 2")
	wrong(c.MaxCompletionTokens < 0, "max_completion_tokens", "must not be negative")
	wrong(c.Timeout < 0, "timeout", "must not be negative")
	wrong(c.MaxResponseBytes < 0, "max_response_bytes", "must not be negative")
	if len(problems) > 0 {
		return &host.Error{Code: host.CodeInvalid, Message: "the model's configuration is wrong", Problems: problems}
	}
	return nil
}

func unprintable(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

func isPlainURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// Info names the model.
func (m *Model) Info() model.Info {
	return model.Info{ID: m.config.ID, Name: "OpenAIChat", Provider: "OpenAI"}
}

// Generate sends one request, as a stream when delta is not nil.
func (m *Model) Generate(ctx context.Context, req model.Request, delta func(text string) error) (model.Response, error) {
	limited, cancel := context.WithTimeout(ctx, m.config.Timeout)
	defer cancel()
	start := time.Now()
	resp, err := m.send(limited, req, delta)
	if err != nil {
		return model.Response{}, m.explain(ctx, limited, err)
	}
	resp.Usage.Duration = time.Since(start).Seconds()
	return resp, nil
}

func (m *Model) send(ctx context.Context, req model.Request, delta func(string) error) (model.Response, error) {
	if delta != nil {
		return m.stream(ctx, req, delta)
	}
	answer, err := m.client.CreateChatCompletion(ctx, m.request(req.Messages))
	if err != nil {
		return model.Response{}, err
	}
	if len(answer.Choices) == 0 {
		return model.Response{}, errNoChoice
	}
	choice := answer.Choices[0]
	return model.Response{
		Content:      textOr(choice.Message.Content, choice.Message.Refusal),
		FinishReason: string(choice.FinishReason),
		Usage:        usage(&answer.Usage),
	}, nil
}

// textOr returns the answer, or the provider's refusal to give one: that is what
// the model said.
func textOr(content, refusal string) string {
	if content == "" {
		return refusal
	}
	return content
}

func (m *Model) request(messages []model.Message) sdk.ChatCompletionRequest {
	req := sdk.ChatCompletionRequest{
		Model:               m.config.ID,
		Messages:            make([]sdk.ChatCompletionMessage, 0, len(messages)),
		MaxCompletionTokens: m.config.MaxCompletionTokens,
	}
	for _, msg := range messages {
		req.Messages = append(req.Messages, sdk.ChatCompletionMessage{
			Role: msg.Role, Content: host.Text(msg.Content),
		})
	}
	if t := m.config.Temperature; t != nil {
		// A zero would be left out of the request.
		req.Temperature = max(float32(*t), math.SmallestNonzeroFloat32)
	}
	return req
}

func usage(u *sdk.Usage) host.Metrics {
	if u == nil {
		return host.Metrics{}
	}
	metrics := host.Metrics{
		InputTokens:  int64(u.PromptTokens),
		OutputTokens: int64(u.CompletionTokens),
		TotalTokens:  int64(u.TotalTokens),
	}
	if metrics.TotalTokens == 0 {
		metrics.TotalTokens = metrics.InputTokens + metrics.OutputTokens
	}
	if d := u.PromptTokensDetails; d != nil {
		metrics.CacheReadTokens = int64(d.CachedTokens)
	}
	if d := u.CompletionTokensDetails; d != nil {
		metrics.ReasoningTokens = int64(d.ReasoningTokens)
	}
	return metrics
}
