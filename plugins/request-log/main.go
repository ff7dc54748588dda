// Command request-log is a plugin that logs requests and responses.
package main

import snaphook "github.com/snaphook-dev/snaphook/sdk/go"

//go:wasmexport log_request
func logRequest() int32 { return snaphook.Run(request) }

//go:wasmexport log_response
func logResponse() int32 { return snaphook.Run(response) }

// request logs the agent and what it is asked, as the hooks before left it.
func request(c *snaphook.Call) (snaphook.Verdict, error) {
	c.Log.Info("request agent=%q input=%q", c.AgentName(), c.Text())
	return snaphook.Allow(), nil
}

// response logs the run and the length of its answer in bytes, never the answer.
func response(c *snaphook.Call) (snaphook.Verdict, error) {
	host := c.Extension()
	c.Log.Info("response run_id=%q agent=%q session_id=%q content_length=%d",
		host.Run.ID, c.AgentName(), host.SessionID, len(c.Text()))
	return snaphook.Allow(), nil
}

func main() {}
