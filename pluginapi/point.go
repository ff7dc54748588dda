package pluginapi

// Point is a place of a run where hooks are called. The set is closed
// (agent-hooks/0.1 §3).
type Point string

// The eight points, in the order a run passes them.
const (
	PointAgentStartup  Point = "agent_startup"
	PointInput         Point = "input"
	PointPreModelCall  Point = "pre_model_call"
	PointPostModelCall Point = "post_model_call"
	PointPreToolCall   Point = "pre_tool_call"
	PointPostToolCall  Point = "post_tool_call"
	PointOutput        Point = "output"
	PointAgentShutdown Point = "agent_shutdown"
)

// Points returns all points in the order a run passes them.
func Points() []Point {
	return []Point{
		PointAgentStartup, PointInput, PointPreModelCall, PointPostModelCall,
		PointPreToolCall, PointPostToolCall, PointOutput, PointAgentShutdown,
	}
}

// Valid reports whether p is one of the eight points.
func (p Point) Valid() bool {
	switch p {
	case PointAgentStartup, PointInput, PointPreModelCall, PointPostModelCall,
		PointPreToolCall, PointPostToolCall, PointOutput, PointAgentShutdown:
		return true
	}
	return false
}

// AllowsTransform reports whether a hook at p may rewrite the target.
func (p Point) AllowsTransform() bool {
	return p.Valid() && p != PointAgentStartup && p != PointAgentShutdown
}

// Mode says whether the run waits for a hook.
type Mode string

// A blocking hook decides; a background hook runs after the response has left
// and its verdict is only recorded.
const (
	ModeBlocking   Mode = "blocking"
	ModeBackground Mode = "background"
)

// Valid reports whether m is one of the two modes. The empty mode is not valid:
// in a manifest it means that the host decides.
func (m Mode) Valid() bool { return m == ModeBlocking || m == ModeBackground }
