package engine

import (
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// composite reports whether runs of the component have others inside them.
func (s *subject) composite() bool { return s.team != nil || s.workflow != nil }

// withholds reports whether a hook refused the run, or something it could not do
// without, or has not permitted its answer as it was.
func (x *execution) withholds() bool {
	return x.refused != nil || x.run.Failure != nil && x.run.Failure.Refused || x.judged && !x.permitted
}

// seal takes away what the runs inside this one answered: the hooks of its output
// did not permit it, or changed it. Those runs keep it in their own records, which
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
