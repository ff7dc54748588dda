package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// TestListsAtTheirLimits: a page that cannot be is refused by name, one that is
// empty is empty.
func TestListsAtTheirLimits(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	p.run(t, "agent", form{"message": "hello", "session_id": "s"}).must(t, "hello")
	get := func(path string) func(testing.TB) reply {
		return func(t testing.TB) reply { return p.get(t, path) }
	}
	var tests []limitCase
	for _, list := range []string{"/plugins?", "/sessions?", "/hook-calls?"} {
		for _, value := range []string{"0", "-1", "1000000000", "99999999999999999999", "1.5", "x", "%00"} {
			tests = append(tests, limitCase{list + "limit=" + value, get(list + "limit=" + value), 422, `["query","limit"]`})
		}
		for _, value := range []string{"-1", "10000000000", "99999999999999999999", "x"} {
			tests = append(tests, limitCase{list + "page=" + value, get(list + "page=" + value), 422, `["query","page"]`})
		}
	}
	long := strings.Repeat("x", 100<<10)
	tests = append(tests,
		limitCase{"the last page of plugins", get("/plugins?limit=1000&page=1000000000"), 200, `"data":[]`},
		limitCase{"the last page of sessions", get("/sessions?limit=1000&page=1000000000"), 200, `"data":[]`},
		limitCase{"a page of hook calls nobody turns to", get("/hook-calls?page=1000000000"), 422, `["query","page"]`},
		limitCase{"an unknown order", get("/sessions?sort_by=" + long), 422, `["query","sort_by"]`},
		limitCase{"an unknown status", get("/hook-calls?status=" + long), 422, `["query","status"]`},
		limitCase{"a long filter", get("/sessions?user_id=" + long + "&session_name=" + long), 200, `"data":[]`},
		limitCase{"a filter of wildcards", get("/sessions?session_name=" + strings.Repeat("%25_", 1000)), 200, `"data":[]`},
		limitCase{"a zero byte", get("/sessions?user_id=%00&session_name=%00"), 422, "user_id"},
		limitCase{"not UTF-8", get("/sessions?user_id=%FF&session_name=%FF"), 422, "user_id"},
		limitCase{"a time after all", get("/sessions/s/runs?created_after=9223372036854775807"), 200, "[]"},
		limitCase{"a time before all", get("/sessions/s/runs?created_after=-9223372036854775808"), 200, "hello"},
		limitCase{"a time that has not come", get("/sessions/s/runs?created_before=9223372036854775807"), 200, "hello"},
		limitCase{"no time", get("/sessions/s/runs?created_before=9223372036854775808"), 422, `["query","created_before"]`},
		limitCase{"a long path", get("/agents/" + long), 404, "Agent not found"},
		limitCase{"a long run", get("/runs/" + long + "/hooks"), 404, ""},
		limitCase{"a long plugin", get("/plugins/" + long + "/" + long), 404, ""},
		limitCase{"a path that is not UTF-8", get("/sessions/%FF"), 422, "session_id"},
		limitCase{"a path of zero bytes", get("/plugins/%00/%00"), 422, "version"},
	)
	checkLimits(t, p, tests)
}

// TestHeadersAtTheirLimits: a header a proxy may add passes, an endless one does
// not.
func TestHeadersAtTheirLimits(t *testing.T) {
	t.Parallel()
	p := newSite(t, config{}).start(t)
	with := func(name, value string) func(testing.TB) reply {
		return func(t testing.TB) reply {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), "GET", p.base+"/agents", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(name, value)
			res, err := p.client.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			return reply{status: res.StatusCode}
		}
	}
	checkLimits(t, p, []limitCase{
		{"a header of 64 KiB", with("X-Long", strings.Repeat("x", 64<<10)), 200, ""},
		{"a header of 4 MiB", with("X-Long", strings.Repeat("x", 4<<20)), 431, ""},
		{"a long key", with("Authorization", "Bearer "+strings.Repeat("x", 64<<10)), 200, ""},
		{"a long type", with("Content-Type", strings.Repeat("x/", 30<<10)), 200, ""},
	})
}
