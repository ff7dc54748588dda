package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestSessionsAtTheirLimits: sessions a client makes and changes.
func TestSessionsAtTheirLimits(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	send := func(method, path string, body any) func(testing.TB) reply {
		return func(t testing.TB) reply { return p.sendJSON(t, method, path, body) }
	}
	raw := func(text string) json.RawMessage { return json.RawMessage(text) }
	long := strings.Repeat("x", 300<<10)
	ids := make([]string, 10_000)
	checkLimits(t, p, []limitCase{
		{"an id of 256 bytes", send("POST", "/sessions", object{"session_id": long[:256]}), 201, ""},
		{"the same again", send("POST", "/sessions", object{"session_id": long[:256]}), 409, "already exists"},
		{"an id of 257 bytes", send("POST", "/sessions", object{"session_id": long[:257]}), 422, "session_id"},
		{"an id with a zero byte", send("POST", "/sessions", object{"session_id": "\x00"}), 422, "session_id"},
		{"an id that is a number", send("POST", "/sessions", object{"session_id": 1}), 422, "session_id"},
		{"a user of 257 bytes", send("POST", "/sessions", object{"user_id": long[:257]}), 422, "user_id"},
		{"a long name", send("POST", "/sessions", object{"session_name": long}), 422, "session_name"},
		{"a long agent", send("POST", "/sessions", object{"agent_id": long}), 422, "agent_id"},
		{"a state that is a list", send("POST", "/sessions", object{"session_state": raw("[]")}), 422, "session_state"},
		{"a state of 64 levels", send("POST", "/sessions", object{"session_state": raw(nested(64))}), 201, ""},
		{"a state of 65 levels", send("POST", "/sessions", object{"session_state": raw(nested(65))}), 422, "session_state"},
		{"a state of 2 MiB", send("POST", "/sessions", object{"session_state": raw(filled(2 << 20))}), 413, "larger than 1MiB"},
		{"an empty name", send("POST", "/sessions/"+long[:256]+"/rename", object{"session_name": ""}), 200, `"session_name":""`},
		{"no name", send("POST", "/sessions/"+long[:256]+"/rename", object{}), 422, "session_name"},
		{"a change of nothing", send("PATCH", "/sessions/"+long[:256], object{}), 200, ""},
		{"a change of a long name", send("PATCH", "/sessions/"+long[:256], object{"session_name": long}), 422, "session_name"},
		{"deleting none", send("DELETE", "/sessions", object{"session_ids": []string{}, "session_types": []string{}}), 422, "session_ids"},
		{"deleting 10,000", send("DELETE", "/sessions", object{"session_ids": ids, "session_types": ids}), 422, "session_ids"},
		{"retrying none", send("POST", "/hook-calls/retry", object{"limit": 0}), 422, "limit"},
		{"retrying fewer than none", send("POST", "/hook-calls/retry", object{"limit": -1}), 422, "limit"},
		{"retrying too many", send("POST", "/hook-calls/retry", object{"limit": 1_000_000_000}), 422, "limit"},
		{"retrying more than a number", send("POST", "/hook-calls/retry", object{"limit": raw("1e400")}), 422, "limit"},
	})
}

// TestPluginsAtTheirLimits: manifests and bindings.
func TestPluginsAtTheirLimits(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	good := newPlugin(t, "good", "", hook{name: "hook", point: "input", does: guesttest.Answers(allow)})
	p.install(t, good)
	upload := func(version, more string) func(testing.TB) reply {
		next := good
		next.manifest = versionLine.ReplaceAllString(good.manifest, "version: "+version) + more
		return func(t testing.TB) reply { return p.upload(t, next) }
	}
	pad := func(size int) string { return strings.Repeat("#", size-len(good.manifest)) }
	put := func(bindings ...binding) func(testing.TB) reply {
		return func(t testing.TB) reply { return p.putHooks(t, "/hooks", bindings...) }
	}
	field := func(name string, value any) func(testing.TB) reply {
		return put(binding{"plugin": "good", name: value})
	}
	deep := func(t testing.TB) reply {
		body := `{"hooks":[{"plugin":"good","config":` + nested(20_000) + `}]}`
		return p.do(t, "PUT", "/hooks", "application/json", strings.NewReader(body))
	}
	times := func(n int) []binding {
		all := make([]binding, n)
		for i := range all {
			all[i] = binding{"plugin": "good", "mode": "background"}
		}
		return all
	}
	long := strings.Repeat("x", 100<<10)
	checkLimits(t, p, []limitCase{
		{"a manifest of 64 KiB", upload("1.0.1", pad(64<<10)), 201, ""},
		{"a manifest of a byte more", upload("1.0.2", pad(64<<10+1)), 413, "manifest"},
		{"a deep manifest", upload("1.0.3", "config_schema: "+strings.Repeat("{a: ", 5000)+strings.Repeat("}", 5000)), 422, "manifest"},
		{"a long version", upload("1.0."+strings.Repeat("9", 1000), ""), 422, "version"},
		{"a long description", upload("1.0.4", "description: "+strings.Repeat("d", 60<<10)), 201, ""},
		{"a long grant", func(t testing.TB) reply { return p.activate(t, good, long) }, 422, "grant"},
		{"a long plugin", put(binding{"plugin": long}), 422, "hooks[0].plugin"},
		{"a long hook", field("hook", long), 422, "hooks[0].hook"},
		{"an unknown mode", field("mode", long), 422, "hooks[0].mode"},
		{"an unknown failure", field("on_error", long), 422, "hooks[0].on_error"},
		{"no time", field("timeout", "0s"), 422, "hooks[0].timeout"},
		{"less than no time", field("timeout", "-1s"), 422, "hooks[0].timeout"},
		{"all the time", field("timeout", "1000000h"), 422, "hooks[0].timeout"},
		{"more time than can be counted", field("timeout", "99999999999999999999h"), 422, "hooks[0].timeout"},
		{"a time that is a number", field("timeout", 5), 422, "timeout"},
		{"a configuration that is text", field("config", "x"), 422, "hooks[0].config"},
		{"a deep configuration", deep, 422, "JSON"},
		{"bindings of 2 MiB", field("config", map[string]string{"a": strings.Repeat("x", 2<<20)}), 413, "larger than 1MiB"},
		{"1,000 bindings", put(times(1000)...), 200, `"good"`},
		{"no bindings again", put(), 200, `"hooks":[]`},
	})
}
