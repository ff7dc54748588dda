// Package guesttest makes real guests for tests: modules written in WAT, ready
// ones with a known behaviour, and guests compiled from Go.
//
// WAT needs Debian's wabt (wat2wasm), Go guests need the go command. Both are
// built once per test binary.
package guesttest
