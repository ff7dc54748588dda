package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gorilla/mux"
)

// handler answers a request, or returns why it could not.
type handler func(w http.ResponseWriter, r *http.Request) error

// routes says what is served where, by method.
func (a *api) routes() map[string]map[string]handler {
	type methods = map[string]handler
	return map[string]methods{
		"/":       {"GET": a.root},
		"/info":   {"GET": a.info},
		"/config": {"GET": a.showConfig},
		"/models": {"GET": a.listModels},

		pathHealth:  {"GET": a.health},
		pathReady:   {"GET": a.ready},
		pathMetrics: {"GET": a.showMetrics},

		"/agents":    {"GET": a.listAgents},
		"/teams":     {"GET": a.listTeams},
		"/workflows": {"GET": a.listWorkflows},

		componentPath:                           {"GET": a.showComponent},
		componentPath + "/runs":                 {"GET": a.listRuns, "POST": a.createRun},
		componentPath + "/runs/{run_id}":        {"GET": a.showRun},
		componentPath + "/runs/{run_id}/cancel": {"POST": a.cancelRun},
		componentPath + "/runs/{run_id}/resume": {"POST": a.resumeRun},
		componentPath + "/hooks":                {"GET": a.listBindings, "PUT": a.putComponentBindings},

		"/sessions":                            {"GET": a.listSessions, "POST": a.createSession, "DELETE": a.deleteSessions},
		"/sessions/{session_id}":               {"GET": a.showSession, "PATCH": a.patchSession, "DELETE": a.deleteSession},
		"/sessions/{session_id}/rename":        {"POST": a.renameSession},
		"/sessions/{session_id}/runs":          {"GET": a.listSessionRuns},
		"/sessions/{session_id}/runs/{run_id}": {"GET": a.showSessionRun},

		"/eval-runs":      {"GET": a.listEvaluations, "DELETE": a.deleteEvaluations},
		"/eval-runs/{id}": {"GET": a.showEvaluation, "PATCH": a.renameEvaluation},

		"/hooks":               {"GET": a.listHostBindings, "PUT": a.putHostBindings},
		"/runs/{run_id}/hooks": {"GET": a.listHookCalls},

		"/hook-calls":            {"GET": a.findHookCalls},
		"/hook-calls/retry":      {"POST": a.retryHookCalls},
		"/hook-calls/{id}/retry": {"POST": a.retryHookCall},

		"/plugins":                             {"GET": a.listPlugins, "POST": a.installPlugin},
		"/plugins/{name}":                      {"GET": a.showPlugin},
		"/plugins/{name}/quarantine/reset":     {"POST": a.resetQuarantine},
		"/plugins/{name}/{version}":            {"GET": a.showVersion, "DELETE": a.deletePlugin},
		"/plugins/{name}/{version}/activate":   {"POST": a.activatePlugin},
		"/plugins/{name}/{version}/deactivate": {"POST": a.deactivatePlugin},
		"/plugins/{name}/{version}/call":       {"POST": a.tryHook},
	}
}

// router returns the handler of all routes. Paths are matched as they were
// sent, so that an id may hold an escaped slash.
func (a *api) router() http.Handler {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	for path, methods := range a.routes() {
		r.Path(path).Handler(a.dispatch(methods))
	}
	r.NotFoundHandler = a.answering(func(http.ResponseWriter, *http.Request) error {
		return &statusError{status: http.StatusNotFound, id: "not_found", detail: "Not Found"}
	})
	return withoutTrailingSlash(r)
}

// dispatch chooses the handler by method. HEAD is a GET whose body net/http
// drops.
func (a *api) dispatch(methods map[string]handler) http.Handler {
	allowed := make([]string, 0, len(methods)+1)
	for method := range methods {
		allowed = append(allowed, method)
	}
	if methods[http.MethodGet] != nil {
		methods[http.MethodHead] = methods[http.MethodGet]
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	return a.answering(func(w http.ResponseWriter, r *http.Request) error {
		if handle := methods[r.Method]; handle != nil {
			if err := checkAddress(r); err != nil {
				return err
			}
			return handle(w, r)
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return &statusError{
			status: http.StatusMethodNotAllowed, id: "method_not_allowed", detail: "Method Not Allowed",
		}
	})
}

// answering turns the error of a handler into an answer.
func (a *api) answering(handle handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			a.writeError(w, r, err)
		}
	})
}

// withoutTrailingSlash serves /agents/ as /agents; there are no redirects.
func withoutTrailingSlash(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.EscapedPath(); len(path) > 1 && strings.HasSuffix(path, "/") {
			r = r.Clone(r.Context())
			r.URL.Path = strings.TrimSuffix(r.URL.Path, "/")
			r.URL.RawPath = strings.TrimSuffix(path, "/")
		}
		next.ServeHTTP(w, r)
	})
}

// checkAddress refuses ids and parameters that no store has a row for, and that not
// every store can be asked for.
func checkAddress(r *http.Request) error {
	var wrong []fieldError
	check := func(in, name, value string) {
		if !utf8.ValidString(value) || strings.Contains(value, "\x00") {
			wrong = append(wrong, fieldError{
				Type: "string_control", Loc: []string{in, cut(name)}, Msg: "Input should be valid Unicode without zero bytes",
			})
		}
	}
	for name := range mux.Vars(r) {
		check("path", name, pathVar(r, name))
	}
	for name, values := range r.URL.Query() {
		for _, value := range values {
			check("query", name, value)
		}
	}
	if wrong == nil {
		return nil
	}
	slices.SortStableFunc(wrong, func(a, b fieldError) int { return slices.Compare(a.Loc, b.Loc) })
	return &fieldErrors{list: wrong}
}

// pathVar returns a variable of the route's path, unescaped.
func pathVar(r *http.Request, name string) string {
	escaped := mux.Vars(r)[name]
	if value, err := url.PathUnescape(escaped); err == nil {
		return value
	}
	return escaped // net/url checked the path already
}
