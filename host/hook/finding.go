package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// findings are what one call of a hook finds of its run, and the runs it had made
// for that. It belongs to the goroutine of the call.
type findings struct {
	call   *host.HookCall
	runner host.Runner
	now    func() time.Time
	// judges are the runs that the call had made, by id.
	judges      map[string]judgeModel
	evaluations []host.Evaluation
}

// judgeModel is the model of a run that may judge.
type judgeModel struct{ id, provider string }

var (
	_ host.Runner      = (*findings)(nil)
	_ host.Evaluations = (*findings)(nil)
)

func (d *Dispatcher) newFindings(call *host.HookCall, runner host.Runner) *findings {
	return &findings{call: call, runner: runner, now: d.now}
}

// services puts the findings between the guest and the host.
func (f *findings) services(given host.Services) host.Services {
	given.Evaluations = f
	if given.Runner != nil {
		given.Runner = f
	}
	return given
}

// RunComponent remembers the run.
func (f *findings) RunComponent(ctx context.Context, req host.ComponentRequest) (host.Run, error) {
	if !ValidPart(req.Input) || req.OutputSchema != nil && !ValidPart(req.OutputSchema) {
		return host.Run{}, host.Errorf(host.CodeInvalid,
			"run: input and output_schema must be valid Unicode, nested at most %d levels deep", MaxPartDepth)
	}
	run, err := f.runner.RunComponent(ctx, req)
	if err != nil {
		return host.Run{}, err
	}
	if f.judges == nil {
		f.judges = map[string]judgeModel{}
	}
	f.judges[run.ID] = judgeModel{run.Model, run.ModelProvider}
	return run, nil
}

// Add takes an evaluation of the run.
func (f *findings) Add(_ context.Context, document json.RawMessage) error {
	switch {
	case len(f.evaluations) == pluginapi.MaxEvaluations:
		return host.Errorf(host.CodeTooLarge, "evaluate: a call may store %d evaluations", pluginapi.MaxEvaluations)
	case len(document) > pluginapi.MaxEvaluationBytes:
		return host.Errorf(host.CodeTooLarge, "evaluate: an evaluation may have %d bytes, not %d",
			pluginapi.MaxEvaluationBytes, len(document))
	}
	found, err := pluginapi.ParseEvaluation(document)
	if err != nil {
		return host.Errorf(host.CodeInvalid, "evaluate: %s", err)
	}
	if !ValidPart(document) {
		return host.Errorf(host.CodeInvalid, "evaluate: must be valid Unicode, nested at most %d levels deep", MaxPartDepth)
	}
	judge, known := f.judges[found.JudgeRunID]
	if found.JudgeRunID != "" && !known {
		return host.Errorf(host.CodeInvalid, "evaluate: judge_run_id is no run that this call had made")
	}
	f.evaluations = append(f.evaluations, f.evaluation(found, judge))
	return nil
}

// evaluation is the one that comes next, as it is stored. Each attempt of a call
// gives it the same id.
func (f *findings) evaluation(found pluginapi.Evaluation, judge judgeModel) host.Evaluation {
	call, at := f.call, f.now()
	name := fmt.Sprintf("%s/evaluation/%d", call.ID, len(f.evaluations))
	return host.Evaluation{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)).String(), HookCallID: call.ID,
		RunID: call.RunID, SessionID: call.SessionID, Component: call.Component, Plugin: call.Plugin, Hook: call.Hook,
		Name: found.Name, Score: found.Score, Threshold: found.Threshold, Passed: found.Passed,
		Reason: found.Reason, Criteria: found.Criteria, Input: found.Input, Output: found.Output,
		JudgeRunID: found.JudgeRunID, Model: judge.id, ModelProvider: judge.provider,
		CreatedAt: at, UpdatedAt: at,
	}
}
