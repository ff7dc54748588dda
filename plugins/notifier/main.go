// Command notifier is a plugin that tells another service of finished runs.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

// config is the binding's configuration.
type config struct {
	// URL is where to post; empty to log only.
	URL string `json:"url"`
	// Delay is what time.ParseDuration reads; empty for none.
	Delay string `json:"delay"`
}

// notification is what is posted.
type notification struct {
	RunID     string `json:"run_id"`
	Agent     string `json:"agent"`
	SessionID string `json:"session_id"`
	// Content is a JSON string or object.
	Content json.RawMessage `json:"content"`
}

//go:wasmexport notify
func exportNotify() int32 { return snaphook.Run(notify) }

// notify waits, then posts the run, or logs it when there is no URL.
func notify(c *snaphook.Call) (snaphook.Verdict, error) {
	var cfg config
	if err := c.Config(&cfg); err != nil {
		return snaphook.Verdict{}, err
	}
	delay, err := cfg.delay()
	if err != nil {
		return snaphook.Verdict{}, err
	}
	body, err := describe(c)
	if err != nil {
		return snaphook.Verdict{}, err
	}
	time.Sleep(delay)
	if cfg.URL == "" {
		c.Log.Info("no url, would send: %s", body)
	} else if err := post(c, cfg.URL, body); err != nil {
		return snaphook.Verdict{}, err
	}
	c.Log.Info("Notification sent!")
	return snaphook.Allow(), nil
}

func (c config) delay() (time.Duration, error) {
	if c.Delay == "" {
		return 0, nil
	}
	delay, err := time.ParseDuration(c.Delay)
	if err != nil || delay < 0 {
		return 0, errors.New("config: delay must be a duration such as 3s")
	}
	return delay, nil
}

func describe(c *snaphook.Call) ([]byte, error) {
	host := c.Extension()
	body, err := json.Marshal(notification{
		RunID:     host.Run.ID,
		Agent:     c.AgentName(),
		SessionID: host.SessionID,
		Content:   c.Content(),
	})
	if err != nil {
		return nil, fmt.Errorf("write notification: %w", err)
	}
	return body, nil
}

// post sends the body. Every attempt of one delivery has the same key, so that
// the receiver can drop the second one; a binding that makes the hook blocking
// has no attempts and no key. The URL may be a secret and is in no error.
func post(c *snaphook.Call, url string, body []byte) error {
	header := map[string]string{"Content-Type": "application/json"}
	if delivery := c.Extension().Delivery; delivery != nil {
		header["Idempotency-Key"] = delivery.IdempotencyKey
	}
	response, err := c.HTTP(snaphook.Request{Method: "POST", URL: url, Header: header, Body: body})
	if err != nil {
		return err
	}
	if !response.OK() {
		return fmt.Errorf("the receiver answered %d", response.Status)
	}
	return nil
}

func main() {}
