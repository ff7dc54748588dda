package engine

import (
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// contextAt builds the document for the hooks of the point the run has arrived
// at; the caller sets the point's own fields.
func (x *execution) contextAt(point pluginapi.Point, sequence int64) pluginapi.Context {
	started, turn := x.startedAt.UTC(), x.turn
	return pluginapi.Context{
		Spec:      pluginapi.Spec,
		Point:     point,
		Timestamp: x.now().UTC().Round(time.Microsecond),
		Sequence:  sequence,
		Agent: pluginapi.Agent{
			ID: x.run.Component.ID, Framework: pluginapi.Framework, Name: x.run.Component.Name,
		},
		Session:    pluginapi.Session{ID: x.run.RootID, StartedAt: &started, Turn: &turn},
		Extensions: pluginapi.Extensions{Snaphook: x.extension()},
	}
}

// extension is the host's own part of the context.
func (x *execution) extension() *pluginapi.Extension {
	ext := &pluginapi.Extension{
		Run:       x.runInfo(),
		SessionID: x.run.SessionID,
		UserID:    x.run.UserID,
		Component: pluginapi.Component{
			Kind: string(x.run.Component.Kind), ID: x.run.Component.ID, Name: x.run.Component.Name,
		},
		Metadata:     x.req.Metadata,
		Dependencies: x.req.Dependencies,
		Arguments:    x.req.Arguments,
	}
	if x.run.Input != nil {
		ext.Input = &pluginapi.RunInput{Content: x.run.Input}
	}
	return ext
}

func (x *execution) runInfo() pluginapi.Run {
	info := pluginapi.Run{
		ID: x.run.ID, RootID: x.run.RootID, ParentID: x.run.ParentID, Depth: x.run.Depth,
		Kind: string(x.run.Component.Kind), Status: string(x.run.Status),
		Background: x.run.Background, StartedAt: x.startedAt.UTC(),
	}
	if m := x.run.Metrics; m != (host.Metrics{}) {
		info.Metrics = &pluginapi.Metrics{
			InputTokens: m.InputTokens, OutputTokens: m.OutputTokens,
			TotalTokens: m.TotalTokens, Duration: m.Duration,
		}
	}
	return info
}
