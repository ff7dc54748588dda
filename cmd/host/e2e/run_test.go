package e2e

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// run is a run as the API shows it. It has the id of one component.
type run struct {
	RunID          string          `json:"run_id"`
	AgentID        string          `json:"agent_id"`
	AgentName      string          `json:"agent_name"`
	TeamID         string          `json:"team_id"`
	WorkflowID     string          `json:"workflow_id"`
	ParentRunID    string          `json:"parent_run_id"`
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
	Input    runInput `json:"input"`
	Messages []struct {
		Role    string  `json:"role"`
		Content content `json:"content"`
	} `json:"messages"`
	Tools []toolCall `json:"tools"`
	// Members are the runs inside a team's, Steps those inside a workflow's.
	Members []run `json:"member_responses"`
	Steps   []run `json:"step_executor_runs"`
	Metrics struct {
		InputTokens  int `json:"input_tokens"`
		OutputTokens int `json:"output_tokens"`
		TotalTokens  int `json:"total_tokens"`
	} `json:"metrics"`
}

// toolCall is a call of a tool as the API shows it.
type toolCall struct {
	ID     string          `json:"tool_call_id"`
	Name   string          `json:"tool_name"`
	Args   json.RawMessage `json:"tool_args"`
	Error  bool            `json:"tool_call_error"`
	Result string          `json:"result"`
}

// runInput is what a run was asked; that of a workflow's is not wrapped.
type runInput struct{ Content string }

// UnmarshalJSON implements json.Unmarshaler.
func (i *runInput) UnmarshalJSON(data []byte) error {
	var wrapped struct {
		Content content `json:"input_content"`
	}
	if json.Unmarshal(data, &wrapped) == nil {
		i.Content = string(wrapped.Content)
		return nil
	}
	return json.Unmarshal(data, &i.Content)
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

// home is where a component is found: an agent by its id, others as teams/id or
// workflows/id.
func home(component string) string {
	if strings.Contains(component, "/") {
		return "/" + component
	}
	return "/agents/" + component
}

// runOf is a run of a component.
func runOf(component string) run {
	kind, id, _ := strings.Cut(strings.TrimPrefix(home(component), "/"), "/")
	switch kind {
	case "teams":
		return run{TeamID: id}
	case "workflows":
		return run{WorkflowID: id}
	}
	return run{AgentID: id}
}

// component is the run's.
func (r run) component() string {
	switch {
	case r.AgentID != "":
		return r.AgentID
	case r.TeamID != "":
		return "teams/" + r.TeamID
	}
	return "workflows/" + r.WorkflowID
}

// run runs a component without a stream and returns what was answered, whatever
// the run came to.
func (c *client) run(t testing.TB, component string, f form) run {
	t.Helper()
	r := c.ask(t, component, f).want(t, 200)
	var out run
	r.into(t, &out)
	return out
}

// ask sends a request for a run without a stream.
func (c *client) ask(t testing.TB, component string, f form) reply {
	t.Helper()
	contentType, body := f.with("stream", "false").urlencoded()
	return c.do(t, "POST", home(component)+"/runs", contentType, body)
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
	return home(r.component()) + "/runs/" + r.RunID + "?session_id=" + url.QueryEscape(r.SessionID)
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
func (c *client) begin(t testing.TB, component string, f form) <-chan reply {
	t.Helper()
	answer := make(chan reply, 1)
	contentType, body := f.with("stream", "false").urlencoded()
	ctx := t.Context()
	go func() {
		r, err := c.send(ctx, "POST", home(component)+"/runs", contentType, body)
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
