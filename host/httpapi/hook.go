package httpapi

import (
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// listHookCalls answers with the hook results of a run: every bound hook, what
// it decided, or why it did not run.
func (a *api) listHookCalls(w http.ResponseWriter, r *http.Request) error {
	run, err := a.run(r)
	if err != nil {
		return err
	}
	calls, err := a.runs.HookCalls(r.Context(), run.ID)
	if err != nil {
		return err
	}
	data := make([]host.HookCall, len(calls))
	for i, call := range calls {
		data[i] = withoutNulls(call)
	}
	a.writeJSON(w, r, http.StatusOK, struct {
		Data []host.HookCall `json:"data"`
	}{data})
	return nil
}

// withoutNulls shows lists without items as empty lists.
func withoutNulls(call host.HookCall) host.HookCall {
	if call.Warnings == nil {
		call.Warnings = []pluginapi.Warning{}
	}
	if call.Logs == nil {
		call.Logs = []host.LogLine{}
	}
	return call
}
