package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// TestLiveBackgroundComponents: what a team and a workflow do in the background is
// what they do while their client waits.
func TestLiveBackgroundComponents(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct{ file, user string }{
		"/teams/team-1/runs":   {"run-team.stream", "u1"},
		"/workflows/wf-1/runs": {"run-workflow.stream", ""},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			l := newAgentOS(t, pluginapi.PointInput)
			form := []string{"message=delegate this", "background=true", "session_id=s", "user_id=" + want.user}
			accepted := l.answer(t, http.StatusAccepted, "POST", path, append(form, "stream=false", "run_id=r")...)
			if accepted != `{"run_id":"r","session_id":"s","status":"PENDING"}` {
				t.Errorf("answer %s", accepted)
			}
			if body := l.answer(t, http.StatusOK, "GET", path+"/r?session_id=s"); !strings.Contains(body, `"status":"PENDING"`) {
				t.Errorf("poll %s", body)
			}
			l.work(t, "r")
			if body := l.answer(t, http.StatusOK, "GET", path+"/r?session_id=s"); !strings.Contains(body, `"status":"COMPLETED"`) ||
				!strings.Contains(body, `"parent_run_id":"r"`) {
				t.Errorf("poll %s", body)
			}
			first := l.ask(t, "POST", path, append(form, "run_id=r2")...)
			l.work(t, "r2")
			stream := readAll(t, first)
			again := l.answer(t, http.StatusOK, "POST", path+"/r2/resume")
			if _, events, _ := strings.Cut(again, "\n\n"); events != stream {
				t.Errorf("resumed (-stream +resumed):\n%s", cmp.Diff(stream, events))
			}
			got := streamStructure(t, stream)
			for i := range got {
				var indexed bool
				if got[i], indexed = strings.CutSuffix(got[i], " event_index"); !indexed {
					t.Errorf("frame %d has no index at its end: %s", i, got[i])
				}
			}
			wantStructure(t, want.file, got, asStored)
		})
	}
}

// asStored are the frames of a stream that is kept: without the input, which no hook
// has permitted yet.
func asStored(frames []string) []string {
	for i := range frames {
		frames[i] = strings.TrimSuffix(frames[i], " run_input{input_content}")
	}
	return withoutOutputHooks(frames)
}

// TestLiveContentAlone: what a client gets that wants no other events.
func TestLiveContentAlone(t *testing.T) {
	t.Parallel()
	l := newAgentOS(t)
	for path, want := range map[string][]string{
		"/teams/team-1/runs":   {"RunContent", "RunContent", "RunContent", "TeamRunContent", "TeamRunContent", "TeamRunContent"},
		"/workflows/wf-1/runs": {"RunContent", "RunContent", "RunContent", "WorkflowCompleted"},
	} {
		got := frameNames(t, l.answer(t, http.StatusOK, "POST", path, "message=hi", "stream_events=false"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

// TestLiveMembers: the run of a member is found by its id, and in no list of the
// member's own.
func TestLiveMembers(t *testing.T) {
	t.Parallel()
	l := newAgentOS(t)
	var run struct {
		Members []struct {
			ID string `json:"run_id"`
		} `json:"member_responses"`
	}
	body := l.answer(t, http.StatusOK, "POST", "/teams/team-1/runs", "message=hi", "stream=false", "session_id=s", "run_id=r")
	must(t, json.Unmarshal([]byte(body), &run))
	member := run.Members[0].ID
	for path, status := range map[string]int{
		"/agents/basic-member/runs/" + member + "?session_id=s":     200,
		"/agents/basic-member/runs/" + member + "?session_id=other": 404,
		"/agents/basic-agent/runs/" + member + "?session_id=s":      404,
		"/teams/team-1/runs/" + member + "?session_id=s":            404,
		"/agents/basic-member/runs/r?session_id=s":                  404,
		"/workflows/wf-1/runs/r?session_id=s":                       404,
		"/agents/basic-member/runs?session_id=s":                    404,
		"/sessions/s/runs/" + member:                                200,
	} {
		l.answer(t, status, "GET", path)
	}
	for path, want := range map[string]int{"/teams/team-1/runs?session_id=s": 1, "/sessions/s/runs": 2} {
		var runs []any
		must(t, json.Unmarshal([]byte(l.answer(t, http.StatusOK, "GET", path)), &runs))
		if len(runs) != want {
			t.Errorf("%s: %d runs, want %d", path, len(runs), want)
		}
	}
}

// denying denies the output of one component.
type denying string

func (d denying) Resolve(c host.Component, origin host.Origin) []host.BoundPlugin {
	if c.ID != string(d) {
		return nil
	}
	return allowing{pluginapi.PointOutput}.Resolve(host.Component{}, origin)
}

func (denying) Call(context.Context, host.Call) (host.CallResult, error) {
	return host.CallResult{Output: []byte(`{"decision":"deny","reason":"forbidden"}`)}, nil
}

// TestLiveRefusedTree: nothing of a refused run's members and steps is shown with
// it, streamed or read.
func TestLiveRefusedTree(t *testing.T) {
	t.Parallel()
	for path, id := range map[string]string{"/teams/team-1/runs": "team-1", "/workflows/wf-1/runs": "wf-1"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			l := newAgentOSWith(t, denying(id))
			form := []string{"message=hi", "session_id=s", "run_id=r"}
			shown := []string{
				l.answer(t, http.StatusOK, "POST", path, form...),
				l.answer(t, http.StatusOK, "GET", path+"/r?session_id=s"),
				l.answer(t, http.StatusOK, "GET", path+"?session_id=s"),
				l.answer(t, http.StatusOK, "GET", "/sessions/s/runs"),
				l.answer(t, http.StatusOK, "GET", "/sessions/s"),
			}
			for _, body := range shown {
				if strings.Contains(body, "Hello from fake") {
					t.Errorf("what was refused is shown: %s", body)
				}
			}
			children, err := l.store.ChildRuns(t.Context(), "r")
			must(t, err)
			if len(children) != 1 {
				t.Fatalf("%d runs inside", len(children))
			}
			inside := children[0].ID
			l.answer(t, http.StatusNotFound, "GET", "/agents/"+children[0].Component.ID+"/runs/"+inside+"?session_id=s")
			l.answer(t, http.StatusNotFound, "GET", "/sessions/s/runs/"+inside)
			l.answer(t, http.StatusOK, "GET", "/runs/"+inside+"/hooks")
			if !strings.Contains(shown[1], `"error_type":"output_check_error"`) || strings.Contains(shown[1], `"parent_run_id"`) {
				t.Errorf("read %s", shown[1])
			}
		})
	}
}

// TestLiveCancelOfComponents: the run and the one inside it end, and say so.
func TestLiveCancelOfComponents(t *testing.T) {
	t.Parallel()
	agent := host.BindingScope{Kind: host.KindAgent, ID: "plain-agent"}
	for path, want := range map[string][]string{
		"/teams/team/runs": {"TeamRunStarted", "TeamModelRequestStarted", "TeamRunContent", "TeamRunCancelled", "TeamRunCompleted"},
		"/workflows/flow/runs": {
			"WorkflowStarted", "StepStarted", "RunStarted", "ModelRequestStarted", "RunContent", "RunCancelled", "RunCompleted",
			"WorkflowCancelled", "WorkflowCompleted",
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			m := stepping{steps: make(chan struct{})}
			l := startLive(t, engine.Config{
				Models: map[string]model.Model{"default": m}, Tools: functions{},
				Agents:    []*host.Agent{{ID: agent.ID, Model: "default"}},
				Teams:     []*host.Team{{Agent: host.Agent{ID: "team", Model: "default"}, Members: []host.BindingScope{agent}}},
				Workflows: []*host.Workflow{{ID: "flow", Steps: []host.Step{{Name: "one", Kind: host.StepComponent, Component: agent}}}},
			}, noHooks{})
			stream := l.ask(t, "POST", path, "message=one two", "background=true", "session_id=s", "run_id=r")
			var working sync.WaitGroup
			working.Go(func() { l.work(t, "r") })
			m.steps <- struct{}{}
			reader := bufio.NewReader(stream.Body)
			had := readTo(t, reader, `"content":"one`)
			if got := l.answer(t, http.StatusOK, "POST", path+"/r/cancel"); got != "{}" {
				t.Errorf("answer %s", got)
			}
			rest, err := io.ReadAll(reader)
			must(t, err)
			stream.Body.Close()
			working.Wait()
			var names []string
			for _, frame := range frameNames(t, had+string(rest)) {
				name, _, _ := strings.Cut(frame, " ")
				names = append(names, name)
			}
			if diff := cmp.Diff(want, names); diff != "" {
				t.Errorf("frames (-want +got):\n%s", diff)
			}
			body := l.answer(t, http.StatusOK, "GET", path+"/r?session_id=s")
			if !strings.Contains(body, `"status":"CANCELLED"`) {
				t.Errorf("poll %s", body)
			}
		})
	}
}
