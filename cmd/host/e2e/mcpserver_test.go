package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// mcpVariable has the test binary serve MCP instead of testing; it is the name of a
// tool.
const mcpVariable = "E2E_MCP_SERVER"

type object = map[string]any

// mcpRequest is what the host asks.
type mcpRequest struct {
	ID     json.RawMessage `json:"id"` // nil for a notification
	Method string          `json:"method"`
	Params struct {
		Name            string `json:"name"`
		ProtocolVersion string `json:"protocolVersion"`
	} `json:"params"`
}

// serveMCP is a small MCP server over stdin and stdout. Its one tool works, the other,
// of that name, is no good.
func serveMCP(bad string) error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var req mcpRequest
		if err := in.Decode(&req); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		result, err := req.answer(bad)
		if err != nil {
			return err
		}
		if req.ID == nil || result == nil {
			continue
		}
		if err := out.Encode(object{"jsonrpc": "2.0", "id": req.ID, "result": result}); err != nil {
			return err
		}
	}
}

// answer is nil for none; an error ends the server.
func (r mcpRequest) answer(bad string) (object, error) {
	switch r.Method {
	case "initialize":
		return object{
			"protocolVersion": r.Params.ProtocolVersion, "capabilities": object{"tools": object{}},
			"serverInfo": object{"name": "test", "version": "1"},
		}, nil
	case "tools/list":
		return object{"tools": []object{mcpTool("work"), mcpTool(bad)}}, nil
	case "tools/call":
		return callMCP(r.Params.Name)
	}
	return object{}, nil
}

func mcpTool(name string) object {
	return object{"name": name, "inputSchema": object{"type": "object", "properties": object{}}}
}

func callMCP(name string) (object, error) {
	switch name {
	case "hang":
		return nil, nil
	case "flood":
		for {
			if _, err := fmt.Println(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}`); err != nil {
				return nil, err
			}
		}
	case "garbage":
		_, err := fmt.Println("<html>What is it?</html>")
		return nil, err
	case "die":
		return nil, errors.New("out of memory")
	case "huge":
		return mcpText(strings.Repeat("x", 50<<20), false), nil
	case "refuse":
		return mcpText("I would rather not.", true), nil
	}
	return mcpText("worked", false), nil
}

func mcpText(text string, isError bool) object {
	return object{"content": []object{{"type": "text", "text": text}}, "isError": isError}
}
