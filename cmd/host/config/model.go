package config

import (
	"errors"
	"slices"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/model/echo"
	"github.com/snaphook-dev/snaphook/host/model/openai"
	"github.com/snaphook-dev/snaphook/host/model/script"
)

// maxCompletionTokens is more than any model gives.
const maxCompletionTokens = 10_000_000

// models fills in the models and returns the names the file gives, also of those
// that are wrong.
func (l *loader) models(m *mapping, c *Config) []string {
	var names []string
	c.Models = map[string]model.Model{}
	m.read("models", func(n *node) {
		l.is(n, kindMapping)
		for _, f := range n.fields {
			names = append(names, f.key)
			built, offline := l.model(f.value)
			if built != nil {
				c.Models[f.key] = built
			}
			if offline {
				c.OfflineModels = append(c.OfflineModels, f.key)
			}
		}
	})
	return names
}

// model builds one model; it is nil when something is wrong.
func (l *loader) model(n *node) (_ model.Model, offline bool) {
	before := len(l.problems)
	m := l.mapping(n)
	var provider string
	m.require("provider", func(n *node) { provider = oneOf(&l.reader, n, "openai", "echo") })
	switch provider {
	case "echo":
		m.close()
		return echo.Model{}, false
	case "openai":
		return l.openAI(m, before)
	}
	return nil, false
}

// openAI reads a model of the OpenAI protocol. before counts the problems before
// this model.
func (l *loader) openAI(m *mapping, before int) (_ model.Model, offline bool) {
	var settings openai.Config
	substitute := l.offline(m)
	m.read("api", func(n *node) { settings.API = oneOf(&l.reader, n, openai.APIChat, openai.APIResponses) })
	m.require("id", func(n *node) { settings.ID = l.text(n) })
	m.read("base_url", func(n *node) { settings.BaseURL = l.text(n) })
	m.read("api_key", func(n *node) { settings.APIKey = l.key(n, substitute != nil) })
	m.read("response_format", func(n *node) {
		settings.ResponseFormat = oneOf(&l.reader, n,
			openai.ResponseFormatSchema, openai.ResponseFormatObject, openai.ResponseFormatNone)
	})
	m.read("temperature", func(n *node) { t := l.number(n); settings.Temperature = &t })
	m.read("max_completion_tokens", func(n *node) { settings.MaxCompletionTokens = l.integer(n, maxCompletionTokens) })
	m.read("timeout", func(n *node) { settings.Timeout = time.Duration(l.duration(n)) })
	m.read("max_retries", func(n *node) { retries := l.integer(n, openai.MaxMaxRetries); settings.MaxRetries = &retries })
	m.close()
	if len(l.problems) > before {
		return nil, false
	}
	hasServer := settings.APIKey != "" || settings.BaseURL != ""
	if !hasServer && substitute == nil {
		l.problem(m.node, "needs an api_key or a base_url, or offline: echo or script to run without a model")
		return nil, false
	}
	built, err := openai.New(settings)
	if err != nil {
		l.wrongSettings(m.node, err)
		return nil, false
	}
	if !hasServer {
		return substitute, true
	}
	return built, false
}

// offline is the model that answers where there is no server, nil for none. A
// script is read even when it is not needed, so that its mistakes are found.
func (l *loader) offline(m *mapping) model.Model {
	var kind string
	var substitute model.Model
	m.read("offline", func(n *node) { kind = oneOf(&l.reader, n, "echo", "script") })
	read := m.read
	if kind == "script" {
		read = m.require
	}
	read("script", func(n *node) {
		if kind != "script" {
			l.problem(n, "is only for offline: script")
			return
		}
		substitute = l.script(n)
	})
	if kind == "echo" {
		return echo.Model{}
	}
	return substitute
}

// script reads the file that n names; nil when something is wrong.
func (l *loader) script(n *node) model.Model {
	name := l.text(n)
	if n.kind != kindText {
		return nil
	}
	read, err := script.Load(resolve(l.dir, name))
	if refused, ok := errors.AsType[*host.Error](err); ok {
		for _, p := range refused.Problems {
			l.problem(n, "%s: %s", name, p)
		}
		return nil
	}
	if err != nil {
		l.problem(n, "%s", err)
		return nil
	}
	return read
}

// key reads a key whose variable may be missing when the model can do without.
func (l *loader) key(n *node, offline bool) string {
	if !offline {
		return l.text(n)
	}
	value, _ := l.expanded(n)
	return value
}

// wrongSettings reports what the model refused at the keys it names.
func (l *loader) wrongSettings(n *node, err error) {
	var refused *host.Error
	if !errors.As(err, &refused) || len(refused.Problems) == 0 {
		l.problem(n, "%s", err)
		return
	}
	for _, p := range refused.Problems {
		at := n
		if i := slices.IndexFunc(n.fields, func(f field) bool { return f.key == p.Path }); i >= 0 {
			at = n.fields[i].value
		}
		l.problem(at, "%s", p.Message)
	}
}
