package plugin

import (
	"cmp"
	"context"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// stubRunner ends the runs that are stubbed; nothing runs.
type stubRunner struct{ *stubbed }

var _ host.Runner = stubRunner{}

// RunComponent returns a run that ended as its stub says.
func (s stubRunner) RunComponent(_ context.Context, req host.ComponentRequest) (host.Run, error) {
	stub, ok := s.stub(req.Component)
	if !ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.miss("run " + nameOf(req.Component))
		return host.Run{}, host.Errorf(host.CodeUnavailable, "run: nothing is stubbed for %s", nameOf(req.Component))
	}
	run := host.Run{
		ID: host.NewID(), SessionID: host.NewID(), Status: cmp.Or(host.RunStatus(stub.Status), host.RunCompleted),
		Component: host.Component{Kind: req.Component.Kind, ID: req.Component.ID}, Content: stub.Content,
	}
	if f := stub.Error; f != nil {
		run.Failure = &host.Failure{Type: f.Type, ID: f.ID, Message: f.Message}
	}
	return run, nil
}

// stub finds an agent under its bare name too.
func (s stubRunner) stub(c host.BindingScope) (pluginapi.RunStub, bool) {
	stub, ok := s.given.Run[nameOf(c)]
	if !ok && c.Kind == host.KindAgent {
		stub, ok = s.given.Run[c.ID]
	}
	return stub, ok
}

// nameOf is the component as [kind:]id.
func nameOf(c host.BindingScope) string { return string(c.Kind) + ":" + c.ID }
