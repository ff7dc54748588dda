// Package openai is a model behind the OpenAI protocol, by chat completions,
// which many servers speak beside OpenAI's own, or by responses.
package openai

import (
	"context"
	"math"
	"net/http"
	"time"

	sdk "github.com/sashabaranov/go-openai"

	"github.com/snaphook-dev/snaphook/host/model"
)

// Model sends requests to one model of one server.
type Model struct {
	config   Config
	http     *http.Client
	protocol protocol
}

var _ model.Model = (*Model)(nil)

// protocol is one of the interfaces. Its methods send a request once.
type protocol interface {
	// name is the class of adapter in model.Info.
	name() string
	whole(ctx context.Context, client *sdk.Client, req model.Request) (model.Response, error)
	// stream hands the answer to a as it arrives.
	stream(ctx context.Context, client *sdk.Client, req model.Request, a *answer) (model.Response, error)
}

// New checks the configuration; it does no I/O. Its error is a *host.Error with
// a problem for every field that is wrong.
func New(config Config) (*Model, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	m := &Model{config: config, http: newHTTPClient()}
	if config.API == APIResponses {
		m.protocol = responses{config}
		return m, nil
	}
	c := chat{config}
	if err := c.check(); err != nil {
		return nil, err
	}
	m.protocol = c
	return m, nil
}

// Info names the model.
func (m *Model) Info() model.Info {
	return model.Info{
		ID: m.config.ID, Name: m.protocol.name(), Provider: "OpenAI",
		Schemas: m.config.ResponseFormat == ResponseFormatSchema,
	}
}

// call is one call of Generate.
type call struct {
	request  model.Request
	delta    func(text string) error
	start    time.Time
	attempts int
	// delivered says that a delta has reached the caller: the answer cannot begin
	// anew.
	delivered bool
}

// Generate sends one request, as a stream when delta is not nil. What failed for
// the moment is tried again until the first delta has been handed on.
func (m *Model) Generate(ctx context.Context, req model.Request, delta func(text string) error) (model.Response, error) {
	limited, cancel := context.WithTimeout(ctx, m.config.Timeout)
	defer cancel()
	c := &call{request: req, delta: delta, start: m.config.Now()}
	resp, err := m.send(limited, c)
	if err != nil {
		return model.Response{}, m.explain(ctx, limited, c, err)
	}
	resp.Usage.Duration = m.config.Now().Sub(c.start).Seconds()
	return resp, nil
}

// try sends the request once, over x.
func (m *Model) try(ctx context.Context, x *exchange, c *call) (model.Response, error) {
	config := sdk.DefaultConfig(m.config.APIKey)
	config.BaseURL = m.config.BaseURL
	config.HTTPClient = x
	config.EmptyMessagesLimit = math.MaxUint16 // comments that keep a slow stream alive
	client := sdk.NewClientWithConfig(config)
	if c.delta == nil {
		return m.protocol.whole(ctx, client, c.request)
	}
	return m.protocol.stream(ctx, client, c.request, &answer{call: c, now: m.config.Now})
}
