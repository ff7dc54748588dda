// Package runtime is the sandbox: it checks and compiles WebAssembly modules
// and calls their exports, each call in a fresh instance with a deadline and
// with limits on memory, input, output and logs. Nothing outside this package
// knows which engine runs a guest.
//
// The engine of extism guests is extism/go-sdk over wazero; wasi-command guests
// run on wazero alone. Until the host has an engine of its own a module must be
// trusted like its operator, because these are not defended against:
//
//   - a deadline stops loops and sleeps, not recursion without a loop nor one
//     long bulk instruction; a guest that recurses for ever holds up the
//     garbage collector, and with it the process;
//   - a few bytes that claim huge counts exhaust memory while they are decoded,
//     and some functions take seconds and gigabytes to compile;
//   - tables and the guest's call stack count towards no limit;
//   - an extism guest can spoil the memory it shares with the host for input
//     and output, and so its own call; a host function may then spin past the
//     deadline.
package runtime
