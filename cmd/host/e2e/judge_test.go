package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// newJudgeModel answers with a judgement when it is asked for one, and in words
// otherwise. A judge that is shown "hold" never comes to an end.
func newJudgeModel(t testing.TB) *openaitest.Server {
	t.Helper()
	return openaitest.New(t, func(_ int, req openaitest.Request) openaitest.Answer {
		message := lastMessage(req)
		if req.Format == nil {
			return openaitest.Text("to " + message)
		}
		answer := openaitest.Text(`{"passed":true,"reason":"It is polite."}`)
		if strings.Contains(message, "hold") {
			answer.Hold = make(chan struct{})
		}
		return answer
	})
}

// judgedBy binds the judge of this repository, with more fields of the binding.
func judgedBy(judge, more string) string {
	return fmt.Sprintf("[{plugin: output-judge, config: {judge: %q, criteria: It is polite.}%s}]", judge, more)
}

// newJudgeSite has agents that are judged. A judgement is tried once.
func newJudgeSite(t *testing.T, model *openaitest.Server, more string, agents ...string) *site {
	t.Helper()
	s := newSite(t, config{
		model: openai(model.BaseURL()), agents: agents,
		more: more + "plugins: {dir: plugins, grants: {output-judge: [run]}}\n",
	})
	judge := firstParty(t, "output-judge")
	judge.manifest = strings.Replace(judge.manifest, "max_attempts: 3", "max_attempts: 1", 1)
	s.put(t, judge)
	return s
}

// evaluation is what the API shows of one.
type evaluation struct {
	ID         string `json:"id"`
	AgentID    string `json:"agent_id"`
	RunID      string `json:"run_id"`
	SessionID  string `json:"session_id"`
	HookCallID string `json:"hook_call_id"`
	JudgeRunID string `json:"judge_run_id"`
	ModelID    string `json:"model_id"`
}

func (c *client) evaluations(t testing.TB) []evaluation {
	t.Helper()
	var list struct {
		Data []evaluation `json:"data"`
	}
	c.get(t, "/eval-runs").want(t, 200).into(t, &list)
	return list.Data
}

// storedAs is the row of a run.
func (s *site) storedAs(t testing.TB, id string) storedRun {
	t.Helper()
	for _, r := range s.database(t).runs(t) {
		if r.ID == id {
			return r
		}
	}
	t.Fatalf("there is no run %s", id)
	panic("unreachable")
}

// TestJudge: an answer is judged after it was given, by a run that is nowhere in the
// judged one's session; hooks of the whole host see it only when they want to.
func TestJudge(t *testing.T) {
	t.Parallel()
	const hooks = "hooks: [{plugin: seen, hook: outer}, {plugin: seen, hook: nested, nested: true}]\n"
	s := newJudgeSite(t, newJudgeModel(t), hooks, "critic", "{id: writer, model: default, hooks: "+judgedBy("critic", "")+"}")
	s.put(t, newPlugin(t, "seen", "",
		hook{name: "outer", point: "output", does: guesttest.Answers(allow)},
		hook{name: "nested", point: "output", does: guesttest.Answers(allow)}))
	p := s.start(t)
	done := p.run(t, "writer", form{"message": "hello", "session_id": "s"}).must(t, "to hello")
	call := find(t, p.settled(t, done.RunID), "output-judge.judge")
	if call.Status != "completed" || call.Mode != "background" {
		t.Fatalf("%s with %+v", call.summary(), call.Error)
	}
	found := p.evaluations(t)
	if len(found) != 1 {
		t.Fatalf("the evaluations are %+v", found)
	}
	judge := found[0].JudgeRunID
	want := evaluation{
		ID: found[0].ID, AgentID: "writer", RunID: done.RunID, SessionID: "s", HookCallID: call.ID, JudgeRunID: judge, ModelID: "gpt-test",
	}
	if diff := cmp.Diff(want, found[0]); diff != "" {
		t.Errorf("evaluation (-want +got):\n%s", diff)
	}
	p.get(t, "/eval-runs/"+found[0].ID).want(t, 200).says(t, `"It is polite."`, `"passed":true`)

	row := s.storedAs(t, judge)
	if row.SessionID == "s" || row.SessionID == "" || row.ParentID != done.RunID || row.Depth != 1 {
		t.Errorf("the judge's run is %+v", row)
	}
	read := p.read(t, run{AgentID: "critic", RunID: judge, SessionID: row.SessionID})
	if read.ParentRunID != done.RunID || read.Status != "COMPLETED" {
		t.Errorf("the judge's run is shown %+v", read)
	}
	if runs := p.get(t, "/sessions/s/runs").want(t, 200); strings.Contains(string(runs.body), judge) {
		t.Errorf("the judge's run is among those of the session: %s", runs.body)
	}
	for id, want := range map[string][]string{
		judge: {"seen.nested blocking completed allowed"},
		done.RunID: {
			"seen.outer blocking completed allowed", "seen.nested blocking completed allowed",
			"output-judge.judge background completed allowed",
		},
	} {
		if diff := cmp.Diff(want, summaries(p.hooks(t, id))); diff != "" {
			t.Errorf("hook calls of %s (-want +got):\n%s", id, diff)
		}
	}
}

// TestJudgeOfItself: a judge that is judged by itself, or by one it judges, is judged
// twice, and then the call says that this goes too deep.
func TestJudgeOfItself(t *testing.T) {
	t.Parallel()
	s := newJudgeSite(t, newJudgeModel(t), "",
		"{id: vain, model: default, hooks: "+judgedBy("vain", "")+"}",
		"{id: left, model: default, hooks: "+judgedBy("right", "")+"}",
		"{id: right, model: default, hooks: "+judgedBy("left", "")+"}")
	p := s.start(t)
	for _, agent := range []string{"vain", "left"} {
		id := p.run(t, agent, form{"message": "hello"}).must(t, "to hello").RunID
		for depth := range 3 {
			if got := s.storedAs(t, id).Depth; got != depth {
				t.Errorf("%s: the run is %d deep, want %d", agent, got, depth)
			}
			call := p.settled(t, id)[0]
			if depth == 2 {
				if call.Status != "dead" || call.Error == nil || !strings.Contains(call.Error.Message, "the limit is 2") {
					t.Errorf("%s: the judge of a judge of a judge is %s with %+v", agent, call.summary(), call.Error)
				}
				break
			}
			if call.Status != "completed" {
				t.Fatalf("%s: at depth %d %s with %+v", agent, depth, call.summary(), call.Error)
			}
			for _, e := range p.evaluations(t) {
				if e.RunID == id {
					id = e.JudgeRunID
					break
				}
			}
		}
	}
	if n := len(p.evaluations(t)); n != 4 {
		t.Errorf("%d evaluations, want two for each", n)
	}
}

// TestJudgeOutOfTime: a judge ends with the call that asked it.
func TestJudgeOutOfTime(t *testing.T) {
	t.Parallel()
	s := newJudgeSite(t, newJudgeModel(t), "", "critic",
		"{id: writer, model: default, hooks: "+judgedBy("critic", ", timeout: 500ms")+"}")
	p := s.start(t)
	done := p.run(t, "writer", form{"message": "hold on"}).must(t, "to hold on")
	call := p.settled(t, done.RunID)[0]
	if call.Status != "dead" || call.Error == nil || call.Error.Code != "timeout" {
		t.Errorf("%s with %+v, want it out of time", call.summary(), call.Error)
	}
	var judge storedRun
	eventually(t, "the judge's run is stored", func() bool {
		for _, r := range s.database(t).runs(t) {
			if r.ParentID == done.RunID && r.status != "RUNNING" {
				judge = r
			}
		}
		return judge.ID != ""
	})
	if judge.status != "CANCELLED" || judge.Component.ID != "critic" {
		t.Errorf("the judge's run is %+v", judge)
	}
	if found := p.evaluations(t); len(found) != 0 {
		t.Errorf("the evaluations are %+v", found)
	}
}

// TestJudgeThatIsNotThere: a judge that nobody configured is an error at the start.
func TestJudgeThatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newJudgeSite(t, newJudgeModel(t), "", "{id: writer, model: default, hooks: "+judgedBy("ghost", "")+"}")
	said := s.refuses(t, "serve", "--config", "host.yaml", "--listen", "127.0.0.1:0")
	reply{body: []byte(said)}.says(t, `agents["writer"].hooks[0].config.judge`, `no agent "ghost"`)
}
