// Package host is the domain: components, runs, sessions, plugins, bindings and
// hook calls, and the ports the rest of the program meets at. It does no I/O.
package host
