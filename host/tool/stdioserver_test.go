package tool_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// serveKind is a server over the standard streams of this process. It returns the
// code to exit with.
func serveKind(kind string) int {
	if kind == "sdk" {
		if err := newSDKServer().Run(context.Background(), &mcp.StdioTransport{}); err != nil {
			return 1
		}
		return 0
	}
	raw := &rawServer{kind: kind, tools: `[{"name":"work","inputSchema":{"type":"object"}}]`}
	raw.begin()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for raw.code == 0 && lines.Scan() {
		raw.answer(lines.Bytes())
	}
	raw.end()
	return raw.code
}

// rawServer is a server written by hand, that misbehaves in one way.
type rawServer struct {
	kind  string
	tools string
	calls int
	// code is what the process is to end with; 0 for not yet.
	code int
}

func (s *rawServer) begin() {
	switch s.kind {
	case "die-at-start":
		s.code = 3
	case "garbage-at-start":
		fmt.Println("Welcome to my server!")
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		// A child that outlives its parent, unless it is looked for.
		child := exec.Command("sleep", "3600")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			panic(err)
		}
	case "many":
		tools := make([]string, 10_000)
		for i := range tools {
			tools[i] = fmt.Sprintf(`{"name":"t%d","inputSchema":{"type":"object"}}`, i)
		}
		s.tools = "[" + strings.Join(tools, ",") + "]"
	case "odd":
		s.tools = `[{"name":"work","description":"Good.","inputSchema":{"type":"object"},"annotations":{"idempotentHint":true,"readOnlyHint":true}},
			{"name":"work","description":"Twice.","inputSchema":{"type":"object"}},
			{"name":"two words","inputSchema":{"type":"object"}}, {"name":"","inputSchema":{"type":"object"}},
			{"name":"list","inputSchema":{"type":"array"}}, {"name":"none"}, null,
			{"name":"wrong","inputSchema":{"type":"object","properties":{"a":{"type":"sausage"}}}},
			{"name":"file","inputSchema":{"type":"object","properties":{"a":{"$ref":"file:///etc/passwd"}}}}]`
		s.tools = strings.ReplaceAll(strings.ReplaceAll(s.tools, "\n", ""), "\t", "")
	}
}

// end is what follows the end of the input.
func (s *rawServer) end() {
	if s.kind == "stubborn" {
		select {}
	}
}

func (s *rawServer) answer(line []byte) {
	var request struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(line, &request); err != nil {
		panic(err)
	}
	switch request.Method {
	case "initialize":
		if s.kind != "hang-at-start" {
			s.result(request.ID, `{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"raw","version":"1"}}`)
		}
	case "tools/list":
		if s.kind == "hang-at-list" && s.calls > 0 {
			return
		}
		cursor := ""
		if s.kind == "pages" {
			cursor = `,"nextCursor":"more"`
			s.tools = `[]`
		}
		s.result(request.ID, `{"tools":`+s.tools+cursor+`}`)
	case "tools/call":
		s.calls++
		if s.kind == "mortal" && bytes.Contains(request.Params, []byte(`"die":true`)) {
			s.code = 3
			return
		}
		s.call(request.ID)
	case "ping":
		if s.kind != "hang" {
			s.result(request.ID, `{}`)
		}
	default:
		if request.ID != nil && s.kind != "hang-at-start" {
			fmt.Printf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no such method"}}`+"\n", request.ID)
		}
	}
}

// call misbehaves in the first call, where that can be repeated.
func (s *rawServer) call(id json.RawMessage) {
	switch s.kind {
	case "hang", "slow":
		return
	case "die":
		s.code = 3
		return
	case "garbage":
		fmt.Println(`{"jsonrpc":"2.0", what?`)
		return
	case "huge":
		s.result(id, `{"content":[{"type":"text","text":"`+strings.Repeat("x", 50<<20)+`"}]}`)
		return
	case "flood":
		out := bufio.NewWriter(os.Stdout)
		for {
			if _, err := out.WriteString(`{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}` + "\n"); err != nil {
				s.code = 4
				return
			}
		}
	case "hang-at-list":
		fmt.Println(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
	case "changing":
		s.tools = `[{"name":"work","inputSchema":{"type":"object"}},{"name":"more","inputSchema":{"type":"object"}}]`
		fmt.Println(`{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}`)
	case "refuse":
		fmt.Printf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32602,"message":"not these arguments"}}`+"\n", id)
		return
	case "shapeless":
		s.result(id, `{"content":[{"type":"sausage"}]}`)
		return
	}
	s.result(id, fmt.Sprintf(`{"content":[{"type":"text","text":"call %d of %d"}]}`, s.calls, os.Getpid()))
}

func (s *rawServer) result(id json.RawMessage, result string) {
	fmt.Printf(`{"jsonrpc":"2.0","id":%s,"result":%s}`+"\n", id, result)
}
