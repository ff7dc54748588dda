// Package tool opens what components may call: functions of plugins, and the
// tools of servers of the Model Context Protocol (MCP).
//
// A function is as trusted as its plugin, which an operator activated. A server is
// not trusted: what it says is bounded and checked, its hints are not believed, and
// one that hangs, dies or talks nonsense costs the calls made of it and no more.
package tool
