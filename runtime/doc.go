// Package runtime is the sandbox: it checks and compiles WebAssembly modules
// and calls their exports, each call in a fresh instance with a deadline and
// with limits on memory, input, output and logs. Nothing outside this package
// knows which engine runs a guest.
//
// # Services
//
// Beside Extism's ABI every extism guest finds these functions in the module
// extism:host/user. Parameters and results are handles of blocks, as in Extism;
// the guest frees both when it likes to.
//
//	kv_get(key i64) -> i64                  the value, or nothing
//	kv_set(key i64, value i64) -> i64       nothing
//	kv_delete(key i64) -> i64               nothing
//	session_state_get() -> i64              the state as it is now, a JSON object
//	session_state_merge(patch i64) -> i64   nothing; null in the patch removes a member
//	run(request i64) -> i64                 the end of the run, a pluginapi.RunResult
//	evaluate(evaluation i64) -> i64         nothing
//
// The handle 0 is nothing, and as an argument a block without bytes. Any other
// result is a block whose first byte says what it is: "=" is followed by the
// value, which may be empty; "!" by an error, "code: text". The codes are
// not_granted, invalid, too_large, not_found, conflict, busy, unavailable and
// internal. Nothing of this ends the call: what was not granted answers
// not_granted, so a guest may import all of it.
//
// The request of run is a pluginapi.RunRequest, what evaluate takes a
// pluginapi.Evaluation. A guest waits for its run, which costs it nothing but time:
// the deadline of the call goes on, and cancels the run.
//
// Where a header or the path or query of a request's URL says secret:NAME the
// host sends the value of that secret, which the guest is not told. Should a
// server send it back, it reads [secret:NAME] in whatever leaves the call:
// outputs, logs, errors and what is stored.
//
// A request that is refused, for it was not granted, say, or led to an address
// that is not public, ends the call with the code refused and the host's reason;
// one that nobody answered ends it with request_failed. The engine lets the guest
// know of neither. A status of 400 or more is an answer.
//
// # Limits
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
