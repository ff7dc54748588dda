package e2e

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestBadRuns: a request for a run that cannot be taken as it is gets an answer
// that names what is wrong, and nothing is run.
func TestBadRuns(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{})
	p := s.start(t)
	tests := []struct {
		name   string
		agent  string
		form   form
		status int
		says   []string
	}{
		{"unknown agent", "ghost", form{"message": "x"}, 404, []string{`"detail":"Agent not found"`}},
		{"no message", "agent", form{"session_id": "s"}, 422, []string{`{"type":"missing","loc":["body","message"],"msg":"Field required","input":null}`}},
		{"session_state is no JSON", "agent", form{"message": "x", "session_state": "{a"}, 422, []string{`"loc":["body","session_state"]`}},
		{"session_state is a list", "agent", form{"message": "x", "session_state": "[1]"}, 422, []string{`"loc":["body","session_state"]`}},
		{"dependencies is no JSON", "agent", form{"message": "x", "dependencies": "nope"}, 422, []string{`"loc":["body","dependencies"]`}},
		{"metadata is text", "agent", form{"message": "x", "metadata": `"m"`}, 422, []string{`"loc":["body","metadata"]`}},
		{"run_id is endless", "agent", form{"message": "x", "run_id": strings.Repeat("r", 10_000)}, 422, []string{`"loc":["body","run_id"]`}},
		{"background is no switch", "agent", form{"message": "x", "background": "later"}, 422, []string{`"loc":["body","background"]`}},
		{"output_schema is no schema", "agent", form{"message": "x", "output_schema": `{"type":"city"}`}, 422, []string{`"loc":["body","output_schema"]`}},
		{"files", "agent", form{"message": "x", "files": "f"}, 422, []string{`"loc":["body","files"]`, "not available yet"}},
		{"input_files", "agent", form{"message": "x", "input_files": "[]"}, 422, []string{`"loc":["body","input_files"]`}},
		{"images", "agent", form{"message": "x", "images": "[]"}, 422, []string{`"loc":["body","images"]`}},
		{"audio", "agent", form{"message": "x", "audio": "[]"}, 422, []string{`"loc":["body","audio"]`}},
		{"videos", "agent", form{"message": "x", "videos": "[]"}, 422, []string{`"loc":["body","videos"]`}},
		{"several things", "agent", form{"metadata": "m", "background": "2"}, 422, []string{`"message"`, `"metadata"`, `"background"`}},
	}
	for _, tt := range tests {
		r := p.ask(t, tt.agent, tt.form.with("user_id", "stranger4711"))
		if r.status != tt.status {
			t.Errorf("%s: status %d, want %d: %s", tt.name, r.status, tt.status, r.body)
			continue
		}
		says := strings.ToLower(string(r.body))
		for _, text := range tt.says {
			if !strings.Contains(says, strings.ToLower(text)) {
				t.Errorf("%s: the answer does not say %q: %s", tt.name, text, r.body)
			}
		}
	}
	p.stop(t)
	if s.holds(t, "stranger4711") {
		t.Error("something of the refused requests is in the database")
	}
}

// TestBadRequests: requests that are not even a form.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	file, boundary := formWithFile(t)
	tests := []struct {
		name, method, path, contentType, body string
		status                                int
		says                                  []string
	}{
		{"JSON instead of a form", "POST", "/agents/agent/runs", "application/json", `{"message":"x"}`, 422, []string{`"loc":["body","message"]`, "Field required"}},
		{"no body", "POST", "/agents/agent/runs", "", "", 422, []string{`"loc":["body","message"]`}},
		{"stream is no boolean", "POST", "/agents/agent/runs", "application/x-www-form-urlencoded", "message=x&stream=maybe", 422, []string{"bool_parsing", `"loc":["body","stream"]`, `"input":"maybe"`}},
		{"a file", "POST", "/agents/agent/runs", boundary, file, 422, []string{`"loc":["body","files"]`}},
		{"bindings as a form", "PUT", "/agents/agent/hooks", "application/x-www-form-urlencoded", "hooks=x", 415, []string{"application/json"}},
		{"bindings cut off", "PUT", "/agents/agent/hooks", "application/json", `{"hooks":[`, 422, []string{"JSON"}},
		{"bindings with a typo", "PUT", "/agents/agent/hooks", "application/json", `{"hooks":[{"plugin":"x","mod":"blocking"}]}`, 422, []string{"mod"}},
		{"no bindings", "PUT", "/agents/agent/hooks", "application/json", `{}`, 422, []string{"hooks"}},
		{"bindings of an unknown agent", "PUT", "/agents/ghost/hooks", "application/json", `{"hooks":[]}`, 404, []string{"Agent not found"}},
		{"an unknown plugin in a binding", "PUT", "/agents/agent/hooks", "application/json", `{"hooks":[{"plugin":"ghost"}]}`, 422, []string{"hooks[0].plugin", "ghost"}},
		{"activating an unknown plugin", "POST", "/plugins/ghost/1.0.0/activate", "application/json", `{"grant":[]}`, 404, []string{"ghost"}},
		{"an upload as JSON", "POST", "/plugins", "application/json", `{}`, 415, []string{"multipart/form-data"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.do(t, tt.method, tt.path, tt.contentType, strings.NewReader(tt.body)).want(t, tt.status).says(t, tt.says...)
		})
	}
}

// formWithFile is a form with a message and a file.
func formWithFile(t testing.TB) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("message", "look")
	part, err := w.CreateFormFile("files", "photo.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte("\x89PNG"))
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

// TestBadPlugins: a refused upload says everything that is wrong and stores
// nothing.
func TestBadPlugins(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{})
	p := s.start(t)
	good := newPlugin(t, "good", "", hook{name: "check", point: "input", does: guesttest.Answers(allow)})
	with := func(change func(*plugin)) plugin {
		bad := good
		bad.module = bytes.Clone(good.module)
		change(&bad)
		return bad
	}
	module := func(data []byte) plugin { return with(func(b *plugin) { b.module = data }) }
	manifest := func(old, new string) plugin {
		return with(func(b *plugin) { b.manifest = strings.Replace(b.manifest, old, new, 1) })
	}
	tests := []struct {
		name   string
		plugin plugin
		status int
		says   []string
	}{
		{"empty module", module(nil), 422, []string{"module"}},
		{"not Wasm", module([]byte("#!/bin/sh\necho no\n")), 422, []string{"module"}},
		{"truncated module", module(good.module[:len(good.module)/2]), 422, []string{"module"}},
		{"unknown import", module(guesttest.WAT(t, `(module (import "env" "steal" (func)) (memory (export "memory") 1)
			(func (export "check") (result i32) (i32.const 0)))`)), 422, []string{"env.steal"}},
		{"export with a parameter", module(guesttest.Module(t, map[string]guesttest.Hook{"check": guesttest.TakesParameter()})), 422, []string{"check", "parameters"}},
		{"missing export", manifest("export: check", "export: chekc"), 422, []string{"chekc"}},
		{"typo in the manifest", manifest("point: input", "piont: input"), 422, []string{"line 6", "piont"}},
		{"unknown point", manifest("point: input", "point: lunch"), 422, []string{"line 6", "hooks[0].point", "agent_startup"}},
		{"two problems", manifest("version: 1.0.0\n", "version: one\nabi: elf\n"), 422, []string{"line 3", "version", "line 4", "abi"}},
		{"no manifest", with(func(b *plugin) { b.manifest = "" }), 422, []string{"manifest"}},
		{"contradiction", manifest("    export: check\n", "    export: check\n    guardrail: true\n    mode: background\n"), 422, []string{"guardrail"}},
		{"permission to run what cannot be run", manifest("hooks:", "permissions: {run: {components: [\"hook:judge\"], reason: judges}}\nhooks:"), 422, []string{"permissions.run", "hook:judge"}},
		{"permission without a reason", manifest("hooks:", "permissions: {http: {hosts: [example.com]}}\nhooks:"), 422, []string{"permissions.http.reason"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.upload(t, tt.plugin).want(t, tt.status).says(t, tt.says...)
		})
	}
	var list struct {
		Data []any `json:"data"`
	}
	p.get(t, "/plugins").want(t, 200).into(t, &list)
	if len(list.Data) != 0 {
		t.Errorf("plugins after refused uploads: %v", list.Data)
	}
	p.stop(t)
	if s.holds(t, "chekc") {
		t.Error("something of the refused uploads is in the database")
	}
}

// TestEndlessUpload: 100 MB are refused with an answer the client can read.
func TestEndlessUpload(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	const boundary = "edge"
	body := io.MultiReader(
		strings.NewReader("--"+boundary+"\r\nContent-Disposition: form-data; name=\"module\"; filename=\"m.wasm\"\r\n\r\n"),
		io.LimitReader(zeros{}, 100<<20),
		strings.NewReader("\r\n--"+boundary+"--\r\n"))
	p.do(t, "POST", "/plugins", "multipart/form-data; boundary="+boundary, body).want(t, 413).says(t, "module", "16MiB")
	p.get(t, "/health").want(t, 200)
}

// zeros reads as zero bytes without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestStrangersAreRefused: without a key the host answers neither the pages of
// other origins nor those that call it by a foreign name.
func TestStrangersAreRefused(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	for name, change := range map[string]func(*http.Request){
		"origin": func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"host":   func(r *http.Request) { r.Host = "evil.example" },
	} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", p.base+"/agents", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		res, err := p.client.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 403 {
			t.Errorf("a foreign %s is answered with %d, want 403", name, res.StatusCode)
		}
	}
}
