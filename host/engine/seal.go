package engine

import (
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// composite reports whether runs of the component have others inside them.
func (s *subject) composite() bool { return s.team != nil || s.workflow != nil }

// withholds reports whether a hook refused the run, or something it could not do
// without, or has not permitted as it was its answer or one of its members.
func (x *execution) withholds() bool {
	return x.refused != nil || x.run.Failure != nil && x.run.Failure.Refused || x.judged && !x.permitted ||
		x.judgesMembers && slices.ContainsFunc(x.run.Tools, unpermitted)
}

// unpermitted reports whether members may have answered the call, and hooks have not
// permitted that as it was.
func unpermitted(call host.ToolExecution) bool {
	return delegates(call.Name) && (call.Result == nil || call.Withheld)
}

// seal takes away what the runs inside this one answered: hooks of it did not permit
// that, or what became of it, or changed it. Those runs keep it in their own records, which
// hooks of their own permitted.
func (x *execution) seal() {
	x.run.Sealed, x.run.Children = true, nil
	x.run.Steps = slices.Clone(x.run.Steps)
	for i := range x.run.Steps {
		x.run.Steps[i] = hideOutput(x.run.Steps[i])
	}
	x.run.Tools = slices.Clone(x.run.Tools)
	for i := range x.run.Tools {
		if t := &x.run.Tools[i]; delegates(t.Name) && t.Result != nil {
			t.Result = new(string)
		}
	}
	x.run.Messages = slices.Clone(x.run.Messages)
	for i := range x.run.Messages {
		if m := &x.run.Messages[i]; delegates(m.ToolName) {
			m.Content = host.TextContent("")
		}
	}
}

// delegates reports whether a tool of that name gives tasks to members.
func delegates(name string) bool {
	return name == host.DelegateToMember || name == host.DelegateToMembers
}
