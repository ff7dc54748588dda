package e2e

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestReadingBack: a run can be read by who knows its agent and its session.
func TestReadingBack(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{agents: []string{"agent", "other"}}).start(t)
	done := p.run(t, "agent", form{"message": "hello", "session_id": "s", "user_id": "u", "run_id": "mine"}).must(t, "hello")
	if done.RunID != "mine" || done.AgentName != "The agent" || done.UserID != "u" || done.Model != "echo" || done.CreatedAt == 0 {
		t.Errorf("the run is %+v", done)
	}
	if diff := cmp.Diff(done, p.read(t, done)); diff != "" {
		t.Errorf("the run as answered and as read (-want +got):\n%s", diff)
	}
	p.get(t, "/agents/agent/runs/mine").want(t, 422).says(t, `"loc":["query","session_id"]`, "Field required")
	for _, path := range []string{
		"/agents/other/runs/mine?session_id=s", "/agents/agent/runs/mine?session_id=z", "/agents/agent/runs/nope?session_id=s",
	} {
		p.get(t, path).want(t, 404).says(t, `"detail":"Run not found"`)
	}
	p.get(t, "/runs/nope/hooks").want(t, 404)
	p.ask(t, "agent", form{"message": "again", "session_id": "s", "run_id": "mine"}).want(t, 409).says(t, "mine")
}

func TestAgents(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{agents: []string{"agent", "other"}}).start(t)
	type agent struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		DBID  string `json:"db_id"`
		Model struct {
			Model    string `json:"model"`
			Provider string `json:"provider"`
		} `json:"model"`
	}
	var all []agent
	p.get(t, "/agents").want(t, 200).into(t, &all)
	if len(all) != 2 || all[0].ID != "agent" || all[1].ID != "other" || all[0].DBID == "" || all[0].Model.Model != "echo" {
		t.Errorf("the agents are %+v", all)
	}
	var one agent
	p.get(t, "/agents/other").want(t, 200).into(t, &one)
	if diff := cmp.Diff(all[1], one); diff != "" {
		t.Errorf("the agent in the list and alone (-want +got):\n%s", diff)
	}
	p.get(t, "/agents/nope").want(t, 404).says(t, `"detail":"Agent not found"`)
	p.get(t, "/health").want(t, 200).says(t, `"status":"ok"`, `"instantiated_at":"`)
	p.get(t, "/nowhere").want(t, 404)
	p.do(t, "DELETE", "/agents", "", nil).want(t, 405)
}

// TestBothEncodings: a request may come as a browser or as a program sends it.
func TestBothEncodings(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	f := form{"message": "one & two = ü", "stream": "false", "session_id": "s"}
	for _, encode := range []func() (string, io.Reader){f.urlencoded, f.multipart} {
		contentType, body := encode()
		var got run
		p.do(t, "POST", "/agents/agent/runs", contentType, body).want(t, 200).into(t, &got)
		got.must(t, "one & two = ü")
	}
	contentType, body := form{"message": "streams by default"}.urlencoded()
	res := p.do(t, "POST", "/agents/agent/runs", contentType, body).want(t, 200)
	if got := res.header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Errorf("without the field stream the answer is %q", got)
	}
}

// TestPluginLife: upload, upload again, change, show, bind.
func TestPluginLife(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{agents: []string{`{id: agent, model: default, hooks: []}`}}).start(t)
	editor := newPlugin(t, "editor", "description: Edits.\n", hook{name: "edit", point: "input", does: guesttest.Answers(rewrite("one"))})
	p.upload(t, editor).want(t, 201).says(t, `"editor"`, `"1.0.0"`, "sha256:")
	p.upload(t, editor).want(t, 200)
	changed := newPlugin(t, "editor", "", hook{name: "edit", point: "input", does: guesttest.Answers(rewrite("two"))})
	p.upload(t, changed).want(t, 409).says(t, "editor", "1.0.0")
	p.activate(t, editor).want(t, 200)
	p.bind(t, "agent", binding{"plugin": "editor"})
	p.run(t, "agent", form{"message": "hello"}).must(t, "one")

	next := changed
	next.version, next.manifest = "1.1.0", versionLine.ReplaceAllString(changed.manifest, "version: 1.1.0")
	p.upload(t, next).want(t, 201)
	p.run(t, "agent", form{"message": "hello"}).must(t, "one")
	p.activate(t, next).want(t, 200)
	p.run(t, "agent", form{"message": "hello"}).must(t, "two")
	p.activate(t, editor).want(t, 200)
	p.run(t, "agent", form{"message": "hello"}).must(t, "one")

	p.get(t, "/plugins").want(t, 200).says(t, "editor", "1.1.0")
	p.get(t, "/plugins/editor").want(t, 200).says(t, "1.0.0", "1.1.0")
	p.get(t, "/plugins/editor/1.1.0").want(t, 200).says(t, "edit")
	p.get(t, "/plugins/ghost").want(t, 404)
	p.get(t, "/plugins/editor/9.9.9").want(t, 404)
	p.get(t, "/agents/agent/hooks").want(t, 200).says(t, `"editor"`, `"source":"api"`)
	p.bind(t, "agent")
	p.run(t, "agent", form{"message": "hello"}).must(t, "hello")
}
