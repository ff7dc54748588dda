package e2e

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// killReport counts what was found.
type killReport struct {
	completed, refused, lost, cancelled int // of the runs that were answered
	unknown                             int // workflows with a step nobody knows the end of
	followed                            int
	children                            int
	toolCalls, toolsRepeated            int
	restarted                           int // of all runs
	callsCompleted, callsDead, repeated int
}

// check waits until the hosts have come to rest, then asks them for every run
// that was answered, stops them, and looks in the database for what no client
// knows of.
func (k *killing) check(t *testing.T) {
	t.Helper()
	k.awaitRest(t)
	var report killReport
	told := k.told(t)
	for _, a := range k.answers {
		p := k.nodes[k.random.IntN(len(k.nodes))]
		r, calls := p.read(t, a.run), p.hooks(t, a.run.RunID)
		a.check(t, &report, r, calls)
		told.check(t, r, calls)
	}
	if report.completed == 0 || report.refused == 0 {
		t.Errorf("%d completed and %d refused runs: nothing is shown", report.completed, report.refused)
	}
	for _, p := range k.nodes {
		p.stop(t)
	}
	k.audit(t, &report)
	t.Logf("%d hosts killed; runs answered: %d completed, %d refused, %d cancelled, %d given up, %d with a step of unknown end; %d followed to their end; "+
		"runs inside others: %d; tools: %d calls, %d repeated, none that may work once; "+
		"left by the kills: %d runs ended host_restarted; background calls: %d completed, %d dead; attempts repeated: %d; deliveries: %d",
		k.killed, report.completed, report.refused, report.cancelled, report.lost, report.unknown, report.followed,
		report.children, report.toolCalls, report.toolsRepeated,
		report.restarted, report.callsCompleted, report.callsDead, report.repeated, len(k.witness.requests()))
}

// check looks at a run that a client knows of.
func (a *answer) check(t *testing.T, report *killReport, now run, calls []hookCall) {
	t.Helper()
	if !a.background && now.Status != a.run.Status {
		t.Errorf("run %s of %s was answered %s and is %s", a.run.RunID, a.run.component(), a.run.Status, now.Status)
	}
	switch {
	case now.Status == "COMPLETED":
		report.completed++
		checkCompleted(t, now, calls)
	case now.Status == "CANCELLED" && a.cancelled:
		report.cancelled++
	case now.Status == "ERROR" && a.background && now.ErrorType == "worker_lost":
		report.lost++
	case now.Status == "ERROR" && a.background && now.ErrorType == "step_error" && strings.Contains(string(now.Content), "nobody knows"):
		report.unknown++
	default:
		report.refused++
		checkRefused(t, now, calls)
	}
	if len(a.events) > 0 && a.background {
		report.followed++
		mustCount(t, a.events, 0)
		checkEnd(t, now, ownNames(a.events))
	}
}

// ownNames are the names of a run's own events, as agents have them.
func ownNames(events []event) []string {
	var own []string
	for _, e := range events {
		if e.RunID == events[0].RunID {
			own = append(own, ownEnd(e.Name))
		}
	}
	return own
}

// checkEnd: a stream tells of its run's end once, and as its last.
func checkEnd(t *testing.T, r run, events []string) {
	t.Helper()
	want := map[string][]string{
		"COMPLETED": {"RunCompleted"}, "ERROR": {"RunError"}, "CANCELLED": {"RunCancelled", "RunCompleted"},
	}[r.Status]
	first := slices.IndexFunc(events, func(name string) bool { return endStatus(name) != "" })
	if first < 0 || !slices.Equal(events[first:], want) {
		t.Errorf("run %s is %s, and its stream is %v", r.RunID, r.Status, events)
	}
}

// checkCompleted: a COMPLETED run has all its background calls, and all have come
// to an end.
func checkCompleted(t *testing.T, r run, calls []hookCall) {
	t.Helper()
	all, completes := callsOf[path.Base(r.component())]
	if !completes {
		t.Errorf("run %s of %s is COMPLETED", r.RunID, r.component())
	}
	seen := map[string]bool{}
	for _, call := range calls {
		if call.Mode != "background" {
			continue
		}
		if call.name() == "checks.called" {
			if call.Status != "completed" {
				t.Errorf("run %s: %s after %d attempts", r.RunID, call.summary(), call.Attempt)
			}
			continue
		}
		seen[call.name()] = true
		if want := all[call.name()]; !slices.Contains(want, call.Status) {
			t.Errorf("run %s: %s after %d attempts, want %s", r.RunID, call.summary(), call.Attempt, want)
		}
	}
	if want := slices.Sorted(maps.Keys(all)); !slices.Equal(slices.Sorted(maps.Keys(seen)), want) {
		t.Errorf("run %s has the calls %v, want %v", r.RunID, summaries(calls), want)
	}
}

// checkRefused: a refused run has no background call that was to be made.
func checkRefused(t *testing.T, r run, calls []hookCall) {
	t.Helper()
	if r.Status != "ERROR" || r.AgentID != "refused-input" && r.AgentID != "refused-output" {
		t.Errorf("run %s of %s is %s with %s %q", r.RunID, r.component(), r.Status, r.ErrorType, r.Content)
	}
	for _, call := range calls {
		if call.Mode == "background" && (call.Status != "skipped" || call.Reason != "run_refused" || call.Attempt != 0) {
			t.Errorf("refused run %s: %s after %d attempts", r.RunID, call.summary(), call.Attempt)
		}
	}
}

// tellings are the keys under which the witness was told of runs, by the path and
// the run's id.
type tellings map[string][]string

func (k *killing) told(t *testing.T) tellings {
	t.Helper()
	told, keys := tellings{}, map[string]string{}
	for _, req := range k.witness.requests() {
		ext := readContext(t, req.body).Extensions.Snaphook
		if d := ext.Delivery; cmp.Or(keys[d.HookCallID], d.IdempotencyKey) != d.IdempotencyKey {
			t.Errorf("the call %s of run %s has the keys %s and %s", d.HookCallID, ext.Run.ID, keys[d.HookCallID], d.IdempotencyKey)
		} else {
			keys[d.HookCallID] = d.IdempotencyKey
		}
		id := req.path + " " + ext.Run.ID
		if key := ext.Delivery.IdempotencyKey; !slices.Contains(told[id], key) {
			told[id] = append(told[id], key)
		}
	}
	return told
}

// hookPaths are where the hooks tell the witness.
var hookPaths = map[string]string{"mix.seen": "/seen", "mix.done": "/done", "mix.flaky": "/flaky"}

// check: the witness has heard of every completed run, before and after the
// model, and of no refused one; however often it was told, it was by one key.
func (told tellings) check(t *testing.T, r run, calls []hookCall) {
	t.Helper()
	for _, call := range calls {
		path, tells := hookPaths[call.name()]
		if !tells || call.Mode != "background" {
			continue
		}
		keys := told[path+" "+r.RunID]
		switch call.Status {
		case "skipped":
			if len(keys) > 0 {
				t.Errorf("run %s is %s; the witness was told by %s, which was skipped", r.RunID, r.Status, call.name())
			}
		case "completed":
			if len(keys) != 1 || keys[0] != call.IdempotencyKey {
				t.Errorf("run %s: %s has the key %q; the witness was told under %q", r.RunID, call.name(), call.IdempotencyKey, keys)
			}
		}
	}
}

// awaitRest waits until no run and no call is open, also those whose answer was
// lost.
func (k *killing) awaitRest(t *testing.T) {
	t.Helper()
	db := k.site.database(t)
	for _, table := range []string{"runs", "hook_calls"} {
		eventually(t, "nothing is open in "+table, func() bool {
			return db.number(t, `SELECT count(*) FROM `+table+` WHERE status IN ('PENDING', 'RUNNING', 'queued', 'running')`) == 0
		})
	}
}

// audit looks at all rows, whether a client knows of them or not.
func (k *killing) audit(t *testing.T, report *killReport) {
	t.Helper()
	db := k.site.database(t)
	runs := map[string]storedRun{}
	for _, r := range db.runs(t) {
		runs[r.ID] = r
		if r.Failure.Type == "host_restarted" {
			report.restarted++
		}
	}
	made := map[string]int{}
	for _, call := range db.calls(t) {
		r, known := runs[call.runID]
		if !known || call.made && r.Failure.Refused {
			t.Errorf("run %+v has the call %+v", r, call)
		}
		if call.made {
			report.count(call)
		}
		if call.made && call.plugin != "checks" { // one for each run of a tool
			made[call.runID]++
		}
	}
	k.checkTools(t, report, runs)
	k.checkTrees(t, report, db, runs)
	events := db.events(t)
	for id, r := range runs {
		if want := len(callsOf[r.Component.ID]); r.status == "COMPLETED" && made[id] != want {
			t.Errorf("run %s of %s is completed with %d calls, want %d", id, r.Component.ID, made[id], want)
		}
		if r.Background {
			checkStored(t, r, events[id])
		}
	}
	if k.site.store == "" {
		if n := db.number(t, `SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'`); n != 0 {
			t.Errorf("the database is damaged in %d places", n)
		}
	}
	for what, query := range map[string]string{
		"snapshots nobody needs": `SELECT count(*) FROM snapshots WHERE id NOT IN (SELECT snapshot_id FROM hook_calls WHERE status = 'dead')`,
		"calls stored twice": `SELECT count(*) FROM (
			SELECT 1 FROM hook_calls GROUP BY run_id, sequence, position HAVING count(*) > 1) AS twice`,
		"inputs":      `SELECT count(*) FROM run_inputs`,
		"checkpoints": `SELECT count(*) FROM run_checkpoints`,
	} {
		if n := db.number(t, query); n != 0 {
			t.Errorf("%d %s are left", n, what)
		}
	}
}

func (report *killReport) count(call storedCall) {
	report.repeated += call.attempt - 1
	switch call.status {
	case "completed":
		report.callsCompleted++
	case "dead":
		report.callsDead++
	}
}

// checkStored: the events of a run are counted without a gap, and only the last
// tells of its end.
func checkStored(t *testing.T, r storedRun, events []storedEvent) {
	t.Helper()
	var kinds []string
	for i, e := range events {
		if e.Run == nil {
			kinds = append(kinds, e.Kind)
		}
		if e.index != i {
			t.Errorf("event %d of run %s has the index %d", i, r.ID, e.index)
		}
	}
	checkEnd(t, run{RunID: r.ID, Status: r.status}, kinds)
}
