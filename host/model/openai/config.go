package openai

import (
	"context"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/snaphook-dev/snaphook/host"
)

// API names one of the two interfaces of the protocol.
type API string

// The interfaces.
const (
	APIChat      API = "chat"      // chat completions, which most servers speak
	APIResponses API = "responses" // responses, the newer one
)

// ResponseFormat is how a model is told the form of its answer.
type ResponseFormat string

// The response formats.
const (
	ResponseFormatSchema ResponseFormat = "json_schema" // the schema itself
	ResponseFormatObject ResponseFormat = "json_object" // only that it is an object
	ResponseFormatNone   ResponseFormat = "none"        // for servers that know neither
)

// The defaults of Config, and the largest MaxRetries.
const (
	DefaultBaseURL          = "https://api.openai.com/v1"
	DefaultTimeout          = 5 * time.Minute
	DefaultMaxRetries       = 2
	DefaultMaxResponseBytes = 32 << 20
	MaxMaxRetries           = 10
)

// Config describes one model of one server.
type Config struct {
	// ID is the model's id at the provider, such as gpt-5.2. Required.
	ID string
	// API is APIChat when empty.
	API API
	// BaseURL is the address above /chat/completions and /responses;
	// DefaultBaseURL when empty.
	BaseURL string
	// APIKey is sent as a bearer token; empty for servers that want none.
	APIKey string
	// ResponseFormat is ResponseFormatSchema when empty.
	ResponseFormat ResponseFormat
	// Temperature is 0 to 2; nil leaves it to the provider.
	Temperature *float64
	// MaxCompletionTokens bounds one answer, the model's reasoning included; 0
	// leaves it to the provider.
	MaxCompletionTokens int
	// Timeout is the deadline of one request, with all its retries and its whole
	// answer; DefaultTimeout when 0.
	Timeout time.Duration
	// MaxRetries is how often a request that failed for the moment is sent again,
	// 0 to MaxMaxRetries; DefaultMaxRetries when nil.
	MaxRetries *int
	// MaxResponseBytes bounds what is read of one answer;
	// DefaultMaxResponseBytes when 0.
	MaxResponseBytes int64

	// Now defaults to time.Now, Sleep to a timer that ends with its context,
	// Jitter to a random factor of 0.5 to 1.
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Jitter func() float64
}

func (c Config) withDefaults() Config {
	if c.API == "" {
		c.API = APIChat
	}
	if c.ResponseFormat == "" {
		c.ResponseFormat = ResponseFormatSchema
	}
	if c.BaseURL == "" {
		c.BaseURL = DefaultBaseURL
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.MaxRetries == nil {
		retries := DefaultMaxRetries
		c.MaxRetries = &retries
	}
	if c.MaxResponseBytes == 0 {
		c.MaxResponseBytes = DefaultMaxResponseBytes
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Jitter == nil {
		c.Jitter = func() float64 { return 0.5 + 0.5*rand.Float64() } //nolint:gosec // spreads retries, guards nothing
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
	wrong(c.API != APIChat && c.API != APIResponses, "api", "must be chat or responses")
	wrong(!slices.Contains([]ResponseFormat{ResponseFormatSchema, ResponseFormatObject, ResponseFormatNone}, c.ResponseFormat),
		"response_format", "must be json_schema, json_object or none")
	wrong(!isPlainURL(c.BaseURL), "base_url", "must be an http or https URL without user, query and fragment")
	wrong(strings.ContainsFunc(c.APIKey, unprintable), "api_key", "must not hold white space or control characters")
	wrong(c.Temperature != nil && !(*c.Temperature >= 0 && *c.Temperature <= 2), "temperature", "must be from 0 to 2")
	wrong(c.MaxCompletionTokens < 0, "max_completion_tokens", "must not be negative")
	wrong(c.Timeout < 0, "timeout", "must not be negative")
	wrong(*c.MaxRetries < 0 || *c.MaxRetries > MaxMaxRetries, "max_retries", "must be from 0 to 10")
	wrong(c.MaxResponseBytes < 0, "max_response_bytes", "must not be negative")
	if len(problems) > 0 {
		return invalid(problems...)
	}
	return nil
}

func invalid(problems ...host.Problem) error {
	return &host.Error{Code: host.CodeInvalid, Message: "the model's configuration is wrong", Problems: problems}
}

func unprintable(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

func isPlainURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}
