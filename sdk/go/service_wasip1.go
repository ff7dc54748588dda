package snaphook

import (
	"encoding/json"

	pdk "github.com/extism/go-pdk"
)

// The host's own functions: they take and return handles of blocks.

//go:wasmimport extism:host/user kv_get
func hostKVGet(key uint64) uint64

//go:wasmimport extism:host/user kv_set
func hostKVSet(key, value uint64) uint64

//go:wasmimport extism:host/user kv_delete
func hostKVDelete(key uint64) uint64

//go:wasmimport extism:host/user session_state_get
func hostSessionStateGet() uint64

//go:wasmimport extism:host/user session_state_merge
func hostSessionStateMerge(patch uint64) uint64

//go:wasmimport extism:host/user run
func hostRun(request uint64) uint64

//go:wasmimport extism:host/user evaluate
func hostEvaluate(evaluation uint64) uint64

// takeReply reads and frees the block of a reply.
func takeReply(handle uint64) (value []byte, found bool, err error) {
	if handle == 0 {
		return nil, false, nil
	}
	block := pdk.FindMemory(handle)
	defer block.Free()
	return readReply(block.ReadBytes())
}

// Value implements Host.
func (guest) Value(key string) (value []byte, found bool, err error) {
	name := pdk.AllocateString(key)
	defer name.Free()
	return takeReply(hostKVGet(name.Offset()))
}

// SetValue implements Host.
func (guest) SetValue(key string, value []byte) error {
	name, block := pdk.AllocateString(key), pdk.AllocateBytes(value)
	defer name.Free()
	defer block.Free()
	_, _, err := takeReply(hostKVSet(name.Offset(), block.Offset()))
	return err
}

// DeleteValue implements Host.
func (guest) DeleteValue(key string) error {
	name := pdk.AllocateString(key)
	defer name.Free()
	_, _, err := takeReply(hostKVDelete(name.Offset()))
	return err
}

// SessionState implements Host.
func (guest) SessionState() (json.RawMessage, error) {
	state, _, err := takeReply(hostSessionStateGet())
	return state, err
}

// MergeSessionState implements Host.
func (guest) MergeSessionState(patch json.RawMessage) error {
	block := pdk.AllocateBytes(patch)
	defer block.Free()
	_, _, err := takeReply(hostSessionStateMerge(block.Offset()))
	return err
}

// RunComponent implements Host.
func (guest) RunComponent(request json.RawMessage) (json.RawMessage, error) {
	block := pdk.AllocateBytes(request)
	defer block.Free()
	result, _, err := takeReply(hostRun(block.Offset()))
	return result, err
}

// Evaluate implements Host.
func (guest) Evaluate(evaluation json.RawMessage) error {
	block := pdk.AllocateBytes(evaluation)
	defer block.Free()
	_, _, err := takeReply(hostEvaluate(block.Offset()))
	return err
}
