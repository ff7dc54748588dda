package host

import "time"

// Observer is told what happens, in order to count it. Its methods return at
// once, keep nothing they are given, and are safe for concurrent use.
type Observer interface {
	// RunStarted is followed by one RunEnded with the same component.
	RunStarted(c Component)
	// RunEnded is told of a run in its final state. A run that could not be
	// stored is told of as ERROR, a background run that another worker is to go on
	// with as RUNNING.
	RunEnded(run *Run)
	// ModelAsked is told of each request to a model.
	ModelAsked(request ModelRequest)
	// HookStarted is followed by one HookEnded: an attempt of a call, whatever
	// came of it. Its Error is set, or its Outcome.
	HookStarted(call *HookCall)
	HookEnded(call *HookCall)
	// HookSkipped is told of a call that is not made.
	HookSkipped(call *HookCall)
	// HookSettled is told of a background call that became final.
	HookSettled(call *HookCall)
	// PluginLoaded is told how long a module took to be ready, or to fail. A
	// module of the cache takes less than one that is compiled.
	PluginLoaded(plugin string, took time.Duration, failed bool)
}

// ModelRequest is one request to a model.
type ModelRequest struct {
	Model    string
	Provider string
	Duration time.Duration
	Usage    Metrics
	Failed   bool
}

// Unobserved is an Observer that looks away.
type Unobserved struct{}

var _ Observer = Unobserved{}

// RunStarted implements Observer.
func (Unobserved) RunStarted(Component) {}

// RunEnded implements Observer.
func (Unobserved) RunEnded(*Run) {}

// ModelAsked implements Observer.
func (Unobserved) ModelAsked(ModelRequest) {}

// HookStarted implements Observer.
func (Unobserved) HookStarted(*HookCall) {}

// HookEnded implements Observer.
func (Unobserved) HookEnded(*HookCall) {}

// HookSkipped implements Observer.
func (Unobserved) HookSkipped(*HookCall) {}

// HookSettled implements Observer.
func (Unobserved) HookSettled(*HookCall) {}

// PluginLoaded implements Observer.
func (Unobserved) PluginLoaded(string, time.Duration, bool) {}
