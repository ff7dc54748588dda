// Package pluginapi is the contract between the host and a hook: the context a
// hook gets, the verdict it answers, and the manifest that describes a plugin.
//
// The context and the verdict follow agent-hooks/0.1; what is Snaphook's own
// lives under extensions.snaphook. The package uses the standard library only,
// so guests compile it too.
package pluginapi

// Spec is the version of the agent-hooks contract every context names.
const Spec = "agent-hooks/0.1"

// Framework is the agent.framework of every context this host builds.
const Framework = "snaphook"
