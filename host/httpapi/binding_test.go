package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

var plainScope = host.BindingScope{Kind: host.KindAgent, ID: "plain-agent"}

func TestPutBindings(t *testing.T) {
	t.Parallel()
	const body = `{"hooks": [
		{"plugin": "request-log"},
		{"plugin": "notifier", "hook": "notify", "mode": "background", "config": {"url": "x", "deep": {"any": 1}},
		 "timeout": "10s", "on_error": "allow", "top_level": true, "nested": true}]}`
	want := []host.Binding{
		{Plugin: "request-log", Source: host.SourceAPI},
		{
			Plugin: "notifier", Hook: "notify", Mode: pluginapi.ModeBackground,
			Config:  json.RawMessage(`{"url": "x", "deep": {"any": 1}}`),
			Timeout: pluginapi.Duration(10 * time.Second), OnError: pluginapi.OnErrorAllow,
			TopLevel: true, Nested: true, Source: host.SourceAPI,
		},
	}
	for target, scope := range map[string]host.BindingScope{"/hooks": host.HostWide, "/agents/plain-agent/hooks": plainScope} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			if w := f.ask(t, http.MethodPut, target, "application/json", body); w.Code != http.StatusOK {
				t.Fatalf("answer %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(want, f.plugins.bindings[scope]); diff != "" {
				t.Errorf("bindings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestListBindings(t *testing.T) {
	t.Parallel()
	f := fixture{plugins: fakePlugins{bindings: map[host.BindingScope][]host.Binding{
		host.HostWide: {{Plugin: "a", Source: host.SourceConfig}, {Plugin: "b", Source: host.SourceAPI, TopLevel: true}},
		plainScope:    {{Plugin: "c", Source: host.SourceConfig, Timeout: pluginapi.Duration(time.Second)}},
	}}}
	const hostWide = `{"plugin":"a","source":"config","scope":"host"},` +
		`{"plugin":"b","top_level":true,"source":"api","scope":"host"}`
	wantAnswer(t, f.get(t, "/hooks"), 200, `{"hooks":[`+hostWide+`]}`)
	wantAnswer(t, f.get(t, "/agents/plain-agent/hooks"), 200,
		`{"hooks":[`+hostWide+`,{"plugin":"c","timeout":"1s","source":"config","scope":"component"}]}`)
	empty := fixture{}
	wantAnswer(t, empty.get(t, "/hooks"), 200, `{"hooks":[]}`)
}

func TestJSONRoutesAreStrict(t *testing.T) {
	t.Parallel()
	const put, activate = "/hooks", "/plugins/p/1.0.0/activate"
	for name, tc := range map[string]struct {
		target, body string
		status       int
		detail       string
	}{
		"empty":          {put, ``, 422, "The body is not a JSON document"},
		"not JSON":       {put, `{"hooks":[}`, 422, "The body is not a JSON document"},
		"two documents":  {put, `{"hooks":[]} {}`, 422, "The body is not a JSON document"},
		"not UTF-8":      {put, "{\"hooks\":[{\"plugin\":\"\xff\"}]}", 422, "The body is not a JSON document"},
		"a list":         {put, `[]`, 422, "The body is not valid: has the wrong type array"},
		"no hooks":       {put, `{}`, 422, "hooks: is missing"},
		"null hooks":     {put, `{"hooks":null}`, 422, "hooks: is missing"},
		"unknown member": {put, `{"hooks":[],"x":1}`, 422, "The body is not valid: x: is unknown; known are hooks"},
		"other case":     {put, `{"Hooks":[]}`, 422, "The body is not valid: Hooks: is unknown; known are hooks"},
		"repeated":       {put, `{"hooks":[],"hooks":[]}`, 422, "The body is not valid: hooks: is given more than once"},
		"unknown deeper": {
			put, `{"hooks":[{},{"source":"config"}]}`, 422,
			"The body is not valid: hooks[1].source: is unknown; known are " + strings.Join(bindingMembers, ", "),
		},
		"repeated in config": {
			put, `{"hooks":[{"config":{"a":[1e999,{"b":1,"b":2}]}}]}`, 422,
			"The body is not valid: hooks[0].config.a[1].b: is given more than once",
		},
		"wrong type": {put, `{"hooks":[{"plugin":1}]}`, 422, "The body is not valid: hooks.plugin: has the wrong type number"},
		"timeout":    {put, `{"hooks":[{"timeout":"soon"}]}`, 422, `The bindings are not valid: hooks[0].timeout: "soon" is not a duration such as 250ms or 5m`},
		"half a character": {
			put, `{"hooks":[{"config":{"a":"\ud800"}}]}`, 422,
			"The bindings are not valid: hooks[0].config: must be in valid Unicode and nested at most 64 levels deep",
		},
		"too large":     {put, `{"hooks":["` + strings.Repeat("x", maxDocument) + `"]}`, 413, "The body is larger than 1MiB"},
		"grant unknown": {activate, `{"grants":["http"]}`, 422, "The body is not valid: grants: is unknown; known are grant"},
		"grant no list": {activate, `{"grant":"http"}`, 422, "The body is not valid: grant: has the wrong type string"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			method := http.MethodPut
			if tc.target == activate {
				method = http.MethodPost
			}
			wantDetail(t, f.ask(t, method, tc.target, "application/json", tc.body), tc.status, tc.detail)
			if f.plugins.bindings != nil || f.plugins.activated != nil {
				t.Error("something was changed")
			}
		})
	}
	for _, contentType := range []string{"", "text/plain", urlEncoded} {
		t.Run("type "+contentType, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			wantDetail(t, f.ask(t, http.MethodPut, put, contentType, `{"hooks":[]}`), 415,
				"The Content-Type must be application/json")
		})
	}
}

func TestCheckMembersTellsAFew(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 5000) + "{" + strings.Repeat(`"a":1,`, 1000) + `"a":1}` + strings.Repeat("]", 5000)
	if got := len(checkMembers([]byte(deep))); got != maxProblems {
		t.Errorf("%d problems, want %d", got, maxProblems)
	}
}
