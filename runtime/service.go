package runtime

import (
	"context"
	"errors"
	"slices"
	"strings"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero/api"

	"github.com/snaphook-dev/snaphook/host"
)

// userModule has the host's own functions. All of them are there for every
// guest; the package comment says how they answer.
const userModule = "extism:host/user"

// service is one function of userModule. Its parameters are handles of blocks,
// its result is the handle of a reply.
type service struct {
	name   string
	params int
	// answer gets the bytes of the blocks. A value without bytes is a value;
	// found is false when there is nothing to answer.
	answer func(ctx context.Context, s host.Services, args [][]byte) (value []byte, found bool, err error)
}

var services = []service{
	{"kv_get", 1, getValue},
	{"kv_set", 2, setValue},
	{"kv_delete", 1, deleteValue},
	{"session_state_get", 0, getSessionState},
	{"session_state_merge", 1, mergeSessionState},
	{"run", 1, runComponent},
	{"evaluate", 1, addEvaluation},
}

// userFunctions are the types of the services by name.
func userFunctions() map[string]signature {
	functions := make(map[string]signature, len(services))
	for _, s := range services {
		params := slices.Repeat([]string{"i64"}, s.params)
		functions[s.name] = signature("(" + strings.Join(params, ", ") + ") -> i64")
	}
	return functions
}

// serviceFunctions are the services as the engine takes them.
func serviceFunctions() []extism.HostFunction {
	functions := make([]extism.HostFunction, len(services))
	for i, s := range services {
		functions[i] = extism.NewHostFunctionWithStack(s.name, s.call,
			slices.Repeat([]api.ValueType{api.ValueTypeI64}, s.params), []api.ValueType{api.ValueTypeI64})
		functions[i].SetNamespace(userModule)
	}
	return functions
}

// call answers a guest. Whatever fails is an answer too, so that a guest in any
// language can go on; only a guest that has used up its memory is ended.
func (s service) call(ctx context.Context, p *extism.CurrentPlugin, stack []uint64) {
	c := invocationFrom(ctx)
	args, err := readBlocks(ctx, p, stack[:s.params])
	var value []byte
	found := false
	if err == nil {
		for i := range args {
			args[i] = c.secrets.redact(args[i]) // nothing may carry a secret out of its call
		}
		value, found, err = s.answer(ctx, c.Services, args)
	}
	switch {
	case err != nil:
		stack[0] = writeBlock(ctx, p, replyError+c.refusal(ctx, s.name, err))
	case found:
		stack[0] = writeBlock(ctx, p, replyValue+string(value))
	default:
		stack[0] = 0
	}
}

// What the block of a reply begins with.
const (
	replyValue = "="
	replyError = "!"
)

// refusal words an error for the guest: a code, a colon and a text. What is the
// host's own fault is for the log.
func (c *invocation) refusal(ctx context.Context, function string, err error) string {
	var known *host.Error
	switch {
	case errors.Is(err, host.ErrNotGranted):
		return "not_granted: " + err.Error()
	case errors.As(err, &known) && known.Code != host.CodeInternal:
		return string(known.Code) + ": " + known.Message
	case ctx.Err() == nil:
		c.module.runtime.log.ErrorContext(ctx, "answer guest", "module", c.module.name, "function", function, "err", err)
	}
	return string(host.CodeInternal) + ": the host could not do it"
}

var errNoBlock = host.Errorf(host.CodeInvalid, "an argument is no block of memory")

func readBlocks(ctx context.Context, p *extism.CurrentPlugin, handles []uint64) ([][]byte, error) {
	blocks := make([][]byte, len(handles))
	for i, handle := range handles {
		var err error
		if blocks[i], err = readBlock(ctx, p, handle); err != nil {
			return nil, err
		}
	}
	return blocks, nil
}

// readBlock returns a copy of a block. The handle 0 has no bytes: it is what a
// guest gets that allocates none.
func readBlock(ctx context.Context, p *extism.CurrentPlugin, handle uint64) ([]byte, error) {
	if handle == 0 {
		return nil, nil
	}
	size, err := p.LengthWithContext(ctx, handle)
	if err != nil {
		panic(err)
	}
	if end := uint64(p.Memory().Size()); size == 0 || size > end || handle > end-size {
		return nil, errNoBlock
	}
	block, _ := p.Memory().Read(uint32(handle), uint32(size))
	return slices.Clone(block), nil
}

// writeBlock returns the handle of a new block, which the guest may free.
func writeBlock(ctx context.Context, p *extism.CurrentPlugin, text string) uint64 {
	size := uint64(len(text))
	block, err := p.AllocWithContext(ctx, size)
	if err != nil {
		panic(err)
	}
	if block == 0 || !p.Memory().WriteString(uint32(block), text) {
		noRoom(ctx, size)
	}
	return block
}
