// Command request-log is a plugin that logs requests and responses.
package main

import (
	"errors"
	"time"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

// config is the binding's configuration.
type config struct {
	// Delay is what time.ParseDuration reads; empty for none.
	Delay string `json:"delay"`
}

//go:wasmexport log_request
func logRequest() int32 { return snaphook.Run(request) }

//go:wasmexport log_response
func logResponse() int32 { return snaphook.Run(response) }

// request logs the agent and what it is asked, as the hooks before left it.
func request(c *snaphook.Call) (snaphook.Verdict, error) {
	c.Log.Info("request agent=%q input=%q", c.AgentName(), c.Text())
	return snaphook.Allow(), nil
}

// response waits, then logs the run and the length of its answer in bytes, never
// the answer.
func response(c *snaphook.Call) (snaphook.Verdict, error) {
	var cfg config
	if err := c.Config(&cfg); err != nil {
		return snaphook.Verdict{}, err
	}
	delay, err := cfg.delay()
	if err != nil {
		return snaphook.Verdict{}, err
	}
	time.Sleep(delay)
	host := c.Extension()
	c.Log.Info("response run_id=%q agent=%q session_id=%q content_length=%d",
		host.Run.ID, c.AgentName(), host.SessionID, len(c.Text()))
	return snaphook.Allow(), nil
}

func (c config) delay() (time.Duration, error) {
	if c.Delay == "" {
		return 0, nil
	}
	delay, err := time.ParseDuration(c.Delay)
	if err != nil || delay < 0 {
		return 0, errors.New("config: delay must be a duration such as 1s")
	}
	return delay, nil
}

func main() {}
