//go:build !wasip1

package snaphook

// guest stands where a Wasm plugin has its host: outside of Wasm there is none.
// Tests bring their own Host to Answer instead.
type guest struct{}

var _ Host = guest{}

const noHost = "snaphook: Run works in a Wasm plugin only; tests use Answer or the package snaphooktest"

func (guest) input() []byte { panic(noHost) }

func (guest) output([]byte) { panic(noHost) }

func (guest) fail(string) { panic(noHost) }

// Log implements Host.
func (guest) Log(Level, string) { panic(noHost) }

// Send implements Host.
func (guest) Send(Request) (Response, error) { panic(noHost) }
