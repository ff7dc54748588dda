package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/engine"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// squatted has a run of a client take the id of the team's member once that is known.
func squatted(t *testing.T) (f *fixture, member *string) {
	t.Helper()
	member = new(string)
	squat := blocking(pluginapi.PointOutput, "squat", func(c context.Context, at pluginapi.Context) (string, error) {
		*member = at.Extensions.Snaphook.Run.ID
		return allow, f.squat(c, *member)
	})
	f, _ = newTeam(t, host.TeamCoordinate, coordinated(), squat.only("researcher"))
	return f, member
}

// squat stores a run of another client that has ended.
func (f *fixture) squat(ctx context.Context, id string) error {
	run := host.Run{
		ID: id, RootID: id, SessionID: "other", Component: host.Component{Kind: host.KindAgent, ID: "researcher"},
		Status: host.RunRunning, Attempt: 1, CreatedAt: time.Now(),
	}
	if err := f.store.Store.CreateRun(ctx, host.NewRun{Run: run, Wait: true}); err != nil {
		return err
	}
	run.Status, run.Content, run.FinishedAt = host.RunCompleted, host.TextContent("squatter"), time.Now()
	return f.store.Store.FinishRun(ctx, host.Finish{Run: run})
}

// checkConflict has a run have ended since the id of a member was taken.
func checkConflict(t *testing.T, run *host.Run, member string) {
	t.Helper()
	if run.Status != host.RunError || run.Failure == nil || run.Failure.ID != string(host.CodeConflict) ||
		!strings.Contains(run.Failure.Message, member) || strings.Contains(fmt.Sprint(run), "squatter") {
		t.Errorf("run %+v, failure %+v", run, run.Failure)
	}
}

func TestMembersIDsAreUnknownBefore(t *testing.T) {
	t.Parallel()
	ids := map[string]bool{}
	for range 2 {
		f, _ := newTeam(t, host.TeamCoordinate, coordinated())
		req := asksTeam("What is it?")
		req.RunID = "chosen"
		ids[f.run(t, req).Children[0].ID] = true
	}
	if len(ids) != 2 {
		t.Errorf("ids %v", ids)
	}
}

// A run that has the id of a member ends the team of that one, however it is run.
func TestMembersIDIsTaken(t *testing.T) {
	t.Parallel()
	for _, run := range []func(*fixture) host.Run{
		func(f *fixture) host.Run { return f.run(t, asksTeam("What is it?")) },
		func(f *fixture) host.Run { return f.background(t, asksTeam("What is it?")) },
	} {
		f, member := squatted(t)
		ended := run(f)
		checkConflict(t, &ended, *member)
		if row := f.stored(t, *member); string(row.Content) != `"squatter"` {
			t.Errorf("the other run is %+v", row)
		}
	}
}

// So does one in a team inside a team.
func TestIDIsTakenDeepInside(t *testing.T) {
	t.Parallel()
	f, member := squatted(t)
	said := coordinated()
	said["boss"] = lines{"boss": {calls(delegate("b", "team", "Ask.")), text("Said.")}}["boss"]
	f.model.script = said.script
	f.configure(t, func(c *engine.Config) {
		c.Teams = append(c.Teams, &host.Team{
			Agent: host.Agent{ID: "boss", Model: "default"}, Members: []host.BindingScope{{Kind: host.KindTeam, ID: "team"}},
		})
	})
	req := asksTeam("What is it?")
	req.Component.ID = "boss"
	run := f.background(t, req)
	checkConflict(t, &run, *member)
}

// The next worker does not take a run for the member's that only has its id.
func TestMembersIDIsTakenMeanwhile(t *testing.T) {
	t.Parallel()
	f, id := stalled(t, 2)
	seen := f.hooks.at(pluginapi.PointInput)
	member := seen[len(seen)-1].Extensions.Snaphook.Run.ID
	if err := f.squat(t.Context(), member); err != nil || member == id {
		t.Fatalf("member %s of %s: %v", member, id, err)
	}
	f.model.script = coordinated().script
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil {
		t.Fatal(err)
	}
	run := f.stored(t, id)
	checkConflict(t, &run, member)
}

// A worker does not leave a run as another attempt's that its node holds.
func TestRunIsNotLeftHeld(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	id := f.accept(t, asks("Hi.")).ID
	work := f.claim(t, "node", id)
	f.store.finishing = func(host.Finish) error { return host.ErrStale }
	if err := f.Work(t.Context(), work); !errors.Is(err, host.ErrStale) {
		t.Fatalf("the worker left the run: %v", err)
	}
	if err := f.store.ReleaseRun(t.Context(), id, work.Run.Attempt); err != nil {
		t.Fatal(err)
	}
	f.store.finishing = nil
	if err := f.Work(t.Context(), f.claim(t, "node", id)); err != nil || f.stored(t, id).Status != host.RunCompleted {
		t.Errorf("run %+v, %v", f.stored(t, id), err)
	}
}
