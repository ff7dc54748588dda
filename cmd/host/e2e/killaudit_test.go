package e2e

import (
	"maps"
	"slices"
	"testing"
)

// killReport counts what was found.
type killReport struct {
	completed, refused, restarted int
	callsCompleted, callsDead     int
	repeated                      int
}

// check waits until the host has come to rest, then asks it for every run that
// was answered, stops it, and counts in the database what no client knows of.
func (k *killing) check(t *testing.T) killReport {
	t.Helper()
	var report killReport
	for _, a := range k.answers {
		r := run{AgentID: a.agent, RunID: a.runID, SessionID: a.sessionID}
		if got := k.process.read(t, r).Status; got != a.status {
			t.Errorf("run %s of %s was answered %s and is %s", a.runID, a.agent, a.status, got)
		}
		calls := k.process.settled(t, a.runID)
		if a.status == "COMPLETED" {
			report.completed++
			checkCompleted(t, a, calls)
		} else {
			report.refused++
			checkRefused(t, a, calls)
		}
	}
	k.checkTold(t)
	if report.completed == 0 || report.refused == 0 {
		t.Errorf("%d completed and %d refused runs: nothing is shown", report.completed, report.refused)
	}
	k.awaitRest(t)
	k.process.stop(t)
	k.count(t, &report)
	return report
}

// checkCompleted: a run answered COMPLETED has all its background calls, and
// all have come to an end.
func checkCompleted(t *testing.T, a answer, calls []hookCall) {
	t.Helper()
	all, completes := callsOf[a.agent]
	if !completes {
		t.Errorf("run %s of %s is COMPLETED", a.runID, a.agent)
	}
	seen := map[string]bool{}
	for _, call := range calls {
		if call.Mode != "background" {
			continue
		}
		seen[call.name()] = true
		if want := all[call.name()]; !slices.Contains(want, call.Status) {
			t.Errorf("run %s: %s after %d attempts, want %s", a.runID, call.summary(), call.Attempt, want)
		}
	}
	if want := slices.Sorted(maps.Keys(all)); !slices.Equal(slices.Sorted(maps.Keys(seen)), want) {
		t.Errorf("run %s has the calls %v, want %v", a.runID, summaries(calls), want)
	}
}

// checkRefused: a refused run has no background call that was to be made.
func checkRefused(t *testing.T, a answer, calls []hookCall) {
	t.Helper()
	if a.status != "ERROR" || a.agent != "refused-input" && a.agent != "refused-output" {
		t.Errorf("run %s of %s is %s", a.runID, a.agent, a.status)
	}
	for _, call := range calls {
		if call.Mode == "background" && (call.Status != "skipped" || call.Reason != "run_refused" || call.Attempt != 0) {
			t.Errorf("refused run %s: %s after %d attempts", a.runID, call.summary(), call.Attempt)
		}
	}
}

// checkTold: the witness has heard of every completed run, before and after the
// model, and of no refused one.
func (k *killing) checkTold(t *testing.T) {
	t.Helper()
	told := map[string]bool{}
	for _, req := range k.witness.requests() {
		told[req.path+" "+readContext(t, req.body).Extensions.Snaphook.Run.ID] = true
	}
	for _, a := range k.answers {
		for _, path := range []string{"/seen ", "/done "} {
			if want := a.status == "COMPLETED"; told[path+a.runID] != want {
				t.Errorf("run %s is %s; told of it at %s: %t", a.runID, a.status, path, !want)
			}
		}
	}
}

// awaitRest waits until no call is open, also of runs whose answer was lost.
func (k *killing) awaitRest(t *testing.T) {
	t.Helper()
	db := k.site.database(t)
	eventually(t, "no hook call is open", func() bool {
		return db.number(t, `SELECT count(*) FROM hook_calls WHERE status IN ('queued', 'running')`) == 0
	})
}

// count looks at all rows, whether a client knows of them or not.
func (k *killing) count(t *testing.T, report *killReport) {
	t.Helper()
	db := k.site.database(t)
	const (
		refused  = `json_extract(runs.doc, '$.failure.refused')`
		promised = `CASE json_extract(runs.doc, '$.component.id') WHEN 'slow' THEN 5 ELSE 4 END`
	)
	for what, query := range map[string]string{
		"runs that are not over":                 `SELECT count(*) FROM runs WHERE status IN ('RUNNING', 'PENDING')`,
		"calls that are not over":                `SELECT count(*) FROM hook_calls WHERE status IN ('queued', 'running')`,
		"calls of refused runs that were made":   `SELECT count(*) FROM hook_calls JOIN runs ON runs.id = run_id WHERE ` + refused + ` AND spec IS NOT NULL`,
		"calls without their run":                `SELECT count(*) FROM hook_calls WHERE run_id NOT IN (SELECT id FROM runs)`,
		"completed runs without all their calls": `SELECT count(*) FROM runs WHERE status = 'COMPLETED' AND ` + promised + ` <> (SELECT count(*) FROM hook_calls WHERE run_id = runs.id AND spec IS NOT NULL)`,
		"snapshots nobody needs":                 `SELECT count(*) FROM snapshots WHERE id NOT IN (SELECT snapshot_id FROM hook_calls WHERE status = 'dead')`,
	} {
		if n := db.number(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	if n := db.number(t, `SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'`); n != 0 {
		t.Errorf("the database is damaged in %d places", n)
	}
	if n := db.number(t, `SELECT count(*) FROM runs WHERE `+refused); n < report.refused {
		t.Errorf("%d refused runs in the database, %d were answered", n, report.refused)
	}
	report.restarted = db.number(t, `SELECT count(*) FROM runs WHERE json_extract(doc, '$.failure.type') = 'host_restarted'`)
	report.callsCompleted = db.number(t, `SELECT count(*) FROM hook_calls WHERE spec IS NOT NULL AND status = 'completed'`)
	report.callsDead = db.number(t, `SELECT count(*) FROM hook_calls WHERE spec IS NOT NULL AND status = 'dead'`)
	report.repeated = db.number(t, `SELECT total(attempt - 1) FROM hook_calls WHERE spec IS NOT NULL`)
}
