package e2e

import (
	"encoding/json"
	"net/url"
	"testing"
)

// run is a run as the API shows it.
type run struct {
	RunID          string          `json:"run_id"`
	AgentID        string          `json:"agent_id"`
	AgentName      string          `json:"agent_name"`
	SessionID      string          `json:"session_id"`
	UserID         string          `json:"user_id"`
	Status         string          `json:"status"`
	Content        content         `json:"content"`
	ContentType    string          `json:"content_type"`
	Model          string          `json:"model"`
	CreatedAt      int64           `json:"created_at"`
	SessionState   json.RawMessage `json:"session_state"`
	Metadata       json.RawMessage `json:"metadata"`
	ErrorType      string          `json:"error_type"`
	ErrorID        string          `json:"error_id"`
	AdditionalData struct {
		Plugin string `json:"plugin"`
		Hook   string `json:"hook"`
		Point  string `json:"point"`
	} `json:"additional_data"`
	Input struct {
		Content string `json:"input_content"`
	} `json:"input"`
	Messages []struct {
		Role    string  `json:"role"`
		Content content `json:"content"`
	} `json:"messages"`
	Metrics struct {
		InputTokens  int `json:"input_tokens"`
		OutputTokens int `json:"output_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"metrics"`
}

// content is what a run says: a text, or an object as its JSON.
type content string

// UnmarshalJSON implements json.Unmarshaler.
func (c *content) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	*c = content(text)
	return nil
}

// run runs an agent without a stream and returns what was answered, whatever
// the run came to.
func (c *client) run(t testing.TB, agent string, f form) run {
	t.Helper()
	r := c.ask(t, agent, f).want(t, 200)
	var out run
	r.into(t, &out)
	return out
}

// ask sends a request for a run without a stream.
func (c *client) ask(t testing.TB, agent string, f form) reply {
	t.Helper()
	contentType, body := f.with("stream", "false").urlencoded()
	return c.do(t, "POST", "/agents/"+agent+"/runs", contentType, body)
}

// must checks that a run was completed with this content.
func (r run) must(t testing.TB, said string) run {
	t.Helper()
	if r.Status != "COMPLETED" || string(r.Content) != said {
		t.Fatalf("the run is %s with %q (%s), want COMPLETED with %q", r.Status, r.Content, r.ErrorID, said)
	}
	return r
}

// path is where a run is read.
func (r run) path() string {
	return "/agents/" + r.AgentID + "/runs/" + r.RunID + "?session_id=" + url.QueryEscape(r.SessionID)
}

// read reads a run back.
func (c *client) read(t testing.TB, r run) run {
	t.Helper()
	var out run
	c.get(t, r.path()).want(t, 200).into(t, &out)
	return out
}

// awaitStatus waits until a run that the test has named is in a state.
func (c *client) awaitStatus(t testing.TB, r run, status string) run {
	t.Helper()
	var out run
	eventually(t, "run "+r.RunID+" is "+status, func() bool {
		res := c.get(t, r.path())
		if res.status != 200 {
			return false
		}
		out = run{}
		res.into(t, &out)
		return out.Status == status
	})
	return out
}

// begin runs an agent while the test goes on. The answer comes over the
// channel; one without a status has the error as its body.
func (c *client) begin(t testing.TB, agent string, f form) <-chan reply {
	t.Helper()
	answer := make(chan reply, 1)
	contentType, body := f.with("stream", "false").urlencoded()
	ctx := t.Context()
	go func() {
		r, err := c.send(ctx, "POST", "/agents/"+agent+"/runs", contentType, body)
		if err != nil {
			r = reply{body: []byte(err.Error())}
		}
		answer <- r
	}()
	return answer
}

// answered takes the run out of the answer to begin.
func answered(t testing.TB, answer <-chan reply) run {
	t.Helper()
	var out run
	receive(t, "the answer of a run", answer).want(t, 200).into(t, &out)
	return out
}
