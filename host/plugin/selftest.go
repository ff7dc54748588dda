package plugin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// testsTimeout bounds all tests of one plugin together.
const testsTimeout = 60 * time.Second

var errTestsTimeout = fmt.Errorf("the tests of a plugin have %s in all", testsTimeout)

// selfTest is one test of a manifest and its place there.
type selfTest struct {
	test pluginapi.Test
	path string
}

// testCase is the test of a hook as it is run.
type testCase struct {
	selfTest
	trial host.Trial
	stubs Stubs
}

// newCase binds a test's hook as its manifest marks it: what a test comes to
// does not depend on the host.
func newCase(p *host.Plugin, i int) testCase {
	t := p.Manifest.Tests[i]
	h, _ := p.Hook(t.Hook)
	c := testCase{selfTest: selfTest{test: t, path: fmt.Sprintf("tests[%d]", i)}, stubs: stubsOf(t)}
	b := host.Binding{Plugin: p.Name, Hook: t.Hook, Config: t.Config, Mode: cmp.Or(h.Mode, pluginapi.ModeBlocking)}
	c.trial = newTrial(p, b, t.Context, &c.stubs)
	return c
}

func stubsOf(t pluginapi.Test) Stubs { return Stubs{HTTP: t.HTTP, KV: t.KV, Run: t.Run} }

// checkTests returns what keeps the tests of a manifest from being run.
func (r *Registry) checkTests(m pluginapi.Manifest) []host.Problem {
	p := asGranted(host.Plugin{Name: m.Name, Version: m.Version, Manifest: m})
	configs := r.newConfigChecks()
	var problems []host.Problem
	for i, t := range m.Tests {
		path := fmt.Sprintf("tests[%d]", i)
		if t.Tool != "" {
			problems = append(problems, checkArguments(m, path, t)...)
		} else {
			problems = append(problems, r.checkContext(p, i)...)
		}
		problems = append(problems, checkStubs(m, path, t)...)
		if t.Config != nil {
			problems = append(problems, configs.check(m, path+".config", t.Config)...)
		}
	}
	return problems
}

// checkContext returns what is wrong with the context of a hook's test.
func (r *Registry) checkContext(p *host.Plugin, i int) []host.Problem {
	if h, ok := p.Hook(p.Manifest.Tests[i].Hook); !ok || !h.Point.Valid() {
		return nil // which Validate reports
	}
	c := newCase(p, i)
	problems := r.trials.Check(c.trial)
	for at, wrong := range problems {
		problems[at].Path = strings.TrimSuffix(c.path+".context."+wrong.Path, ".")
	}
	return problems
}

// checkStubs returns what is wrong with the stubs of a test.
func checkStubs(m pluginapi.Manifest, path string, t pluginapi.Test) []host.Problem {
	var problems []host.Problem
	for _, wrong := range stubsOf(t).check(m) {
		if strings.HasPrefix(wrong.Path, "http[") || strings.HasPrefix(wrong.Path, "run[") {
			continue // which Validate reports
		}
		wrong.Path = path + "." + wrong.Path
		problems = append(problems, wrong)
	}
	return problems
}

// runTests runs the tests of a plugin that was inspected, on stubs. It returns a
// problem for each that fails; an error says that the host could not find out.
func (r *Registry) runTests(ctx context.Context, m pluginapi.Manifest, wasm []byte) ([]host.Problem, error) {
	if len(m.Tests) == 0 {
		return nil, nil
	}
	module, err := r.loader.Load(ctx, sourceOf(m, wasm))
	if err != nil {
		return nil, fmt.Errorf("load plugin: %w", err)
	}
	p := asGranted(host.Plugin{Name: m.Name, Version: m.Version, Manifest: m})
	failed, err := r.runCases(ctx, moduleCaller{r, p, module})
	if err := errors.Join(err, module.Close(context.WithoutCancel(ctx))); err != nil {
		return nil, err
	}
	return failed, nil
}

func (r *Registry) runCases(ctx context.Context, caller moduleCaller) ([]host.Problem, error) {
	limited, cancel := context.WithTimeoutCause(ctx, testsTimeout, errTestsTimeout)
	defer cancel()
	var failed []host.Problem
	for i, t := range caller.plugin.Manifest.Tests {
		c := selfTest{test: t, path: fmt.Sprintf("tests[%d]", i)}
		wrong, err := r.runTest(limited, caller, i)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case errors.Is(err, errTestsTimeout):
			return append(failed, host.Problem{Path: c.path, Message: c.title() + ": " + err.Error()}), nil
		case err != nil:
			return nil, fmt.Errorf("run %s: %w", c.path, err)
		case wrong != "":
			failed = append(failed, host.Problem{Path: c.path, Message: c.title() + ": " + wrong})
		}
	}
	return failed, nil
}

// runTest returns what is wrong with the answer, or nothing.
func (r *Registry) runTest(ctx context.Context, caller moduleCaller, i int) (string, error) {
	if t := caller.plugin.Manifest.Tests[i]; t.Tool != "" {
		return runToolTest(ctx, caller, t)
	}
	return r.runCase(ctx, caller, newCase(caller.plugin, i))
}

// runCase returns what is wrong with the answer of a hook, or nothing.
func (r *Registry) runCase(ctx context.Context, caller moduleCaller, c testCase) (string, error) {
	stubs := newStubbed(caller.plugin, c.stubs)
	c.trial.Services = stubs.services(caller.plugin)
	result, err := r.trials.Try(ctx, caller, c.trial)
	if err != nil {
		return "", err
	}
	if failure := result.Call.Error; failure != nil && failure.Code == string(host.CallUnavailable) {
		return "", fmt.Errorf("call the hook: %s", failure.Message) // nobody was asked
	}
	wrong, err := c.judge(result)
	if wrong == "" || err != nil {
		return "", err
	}
	return wrong + missed(stubs) + logged(result.Call.Logs), nil
}

// missed is what was asked for in vain, to be appended to a problem.
func missed(stubs *stubbed) string {
	if all := stubs.misses(); len(all) > 0 {
		return "; not stubbed: " + strings.Join(all, ", ")
	}
	return ""
}

// hookAnswer is what the test of a hook may want something of.
type hookAnswer struct {
	pluginapi.Verdict
	Evaluations []host.Evaluation `json:"evaluations,omitempty"`
}

// judge compares what came with what was wanted. A hook that failed is never
// what was wanted, though it counts as a deny, unless the test wants the reserved
// reason of that failure.
func (c testCase) judge(result host.TrialResult) (string, error) {
	got, err := json.Marshal(hookAnswer{result.Verdict, result.Call.Evaluations})
	if err != nil {
		return "", fmt.Errorf("write answer: %w", err)
	}
	var want struct{ Reason string }
	_ = json.Unmarshal(c.test.Want, &want) // a reason of another type equals none
	failure := result.Call.Error
	if failure != nil && !strings.HasPrefix(want.Reason, pluginapi.ReservedPrefix) {
		return fmt.Sprintf("want %s, but the hook failed: %s: %s", shown(c.test.Want), failure.Code, failure.Message), nil
	}
	if at := answerDifferences(c.test.Want, got); len(at) > 0 {
		return fmt.Sprintf("want %s, got %s; they differ in %s", shown(c.test.Want), shown(got), cutList(at)), nil
	}
	return "", nil
}

func (s selfTest) title() string {
	of := "the hook " + s.test.Hook
	if s.test.Tool != "" {
		of = "the tool " + s.test.Tool
	}
	if s.test.Name == "" {
		return "a test of " + of
	}
	return fmt.Sprintf("the test %q of %s", cut(s.test.Name), of)
}

// What a problem of a test shows at most.
const (
	maxShownDocument = 500 // bytes
	maxShownLogs     = 10  // lines, the last ones
	maxShownPaths    = 5
)

// shown is a document on one line.
func shown(doc json.RawMessage) string {
	var compact bytes.Buffer
	if json.Compact(&compact, doc) != nil {
		return "nothing"
	}
	if compact.Len() <= maxShownDocument {
		return compact.String()
	}
	return strings.ToValidUTF8(compact.String()[:maxShownDocument], "") + "…"
}

func cutList(paths []string) string {
	if more := len(paths) - maxShownPaths; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(paths[:maxShownPaths], ", "), more)
	}
	return strings.Join(paths, ", ")
}

// logged is what the hook logged, to be appended to a problem.
func logged(lines []host.LogLine) string {
	if len(lines) == 0 {
		return ""
	}
	texts := make([]string, 0, maxShownLogs)
	for _, line := range lines[max(0, len(lines)-maxShownLogs):] {
		texts = append(texts, fmt.Sprintf("%s %q", line.Level, cut(line.Message)))
	}
	return "; it logged " + strings.Join(texts, ", ")
}
