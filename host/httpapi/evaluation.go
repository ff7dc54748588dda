package httpapi

import (
	"net/http"
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// evaluationTable names the evaluations' table to clients.
const evaluationTable = "evaluations"

// evaluationType is the only one of evaluationTypes that hooks make.
const evaluationType = "agent_as_judge"

func evaluationTypes() []string {
	return []string{"accuracy", evaluationType, "performance", "reliability"}
}

// listEvaluations answers with a page of evaluations.
func (a *api) listEvaluations(w http.ResponseWriter, r *http.Request) error {
	if err := checkDatabase(r, evaluationTable); err != nil {
		return err
	}
	d := newQueryDecoder(r)
	at := d.page()
	filter, possible := evaluationFilterOf(d)
	filter.Offset, filter.Limit = at.offset(), at.limit
	if err := d.err(); err != nil {
		return err
	}
	var (
		found []host.Evaluation
		total int
		err   error
	)
	if possible {
		if found, total, err = a.runs.Evaluations(r.Context(), filter); err != nil {
			return err
		}
	}
	body := list[object]{Data: make([]object, len(found)), Meta: newMeta(at, total)}
	for i := range found {
		body.Data[i] = newEvaluationBody(&found[i])
	}
	a.writeJSON(w, r, http.StatusOK, body)
	return nil
}

// evaluationFilterOf reads what is asked for; possible is false where no evaluation can
// be all of it.
func evaluationFilterOf(d *queryDecoder) (filter host.EvaluationFilter, possible bool) {
	filter = host.EvaluationFilter{
		Component: host.BindingScope{Kind: oneOf(d, "type", "", kinds()...)},
		Model:     d.text("model_id"),
		RunID:     d.text("run_id"),
		Ascending: oneOf(d, "sort_order", "desc", "asc", "desc") == "asc",
	}
	oneOf(d, "sort_by", "created_at", "created_at")
	possible = d.wantsType()
	for _, kind := range kinds() {
		id := d.text(string(kind) + "_id")
		if id == "" {
			continue
		}
		scope := &filter.Component
		possible = possible && scope.ID == "" && (scope.Kind == "" || scope.Kind == kind)
		*scope = host.BindingScope{Kind: kind, ID: id}
	}
	return filter, possible
}

// wantsType reports whether evaluationType is among the types asked for.
func (d *queryDecoder) wantsType() bool {
	given := d.text("eval_types")
	types := strings.Split(given, ",")
	for i, name := range types {
		if types[i] = strings.TrimSpace(name); given != "" && !slices.Contains(evaluationTypes(), types[i]) {
			d.fail("eval_types", "enum", "Input should be "+quotedList(evaluationTypes()), types[i], nil)
		}
	}
	return given == "" || slices.Contains(types, evaluationType)
}

func (a *api) showEvaluation(w http.ResponseWriter, r *http.Request) error {
	if err := checkDatabase(r, evaluationTable); err != nil {
		return err
	}
	found, err := a.runs.Evaluation(r.Context(), pathVar(r, "id"))
	if err != nil {
		return noEvaluation(r, err)
	}
	a.writeJSON(w, r, http.StatusOK, newEvaluationBody(&found))
	return nil
}

// noEvaluation says of which evaluation err reports that it does not exist.
func noEvaluation(r *http.Request, err error) error {
	if host.CodeOf(err) != host.CodeNotFound {
		return err
	}
	return host.Errorf(host.CodeNotFound, "Eval run with id '%s' not found", cut(pathVar(r, "id")))
}

// renameEvaluation gives an evaluation a name.
func (a *api) renameEvaluation(w http.ResponseWriter, r *http.Request) error {
	if err := checkDatabase(r, evaluationTable); err != nil {
		return err
	}
	var body struct {
		Name *string `json:"name"`
	}
	if err := readDocument(w, r, &body, []string{"name"}); err != nil {
		return err
	}
	if body.Name == nil {
		return &fieldErrors{list: []fieldError{missingField("body", "name")}}
	}
	var d bodyDecoder
	if *body.Name == "" {
		d.fail("name", "string_too_short", "Input should have at least 1 byte", "")
	}
	d.text("name", *body.Name, pluginapi.MaxEvaluationNameBytes)
	if err := d.err(); err != nil {
		return err
	}
	renamed, err := a.runs.RenameEvaluation(r.Context(), pathVar(r, "id"), *body.Name, a.now())
	if err != nil {
		return noEvaluation(r, err)
	}
	a.writeJSON(w, r, http.StatusOK, newEvaluationBody(&renamed))
	return nil
}

// deleteEvaluations deletes several evaluations; one that does not exist is deleted
// already.
func (a *api) deleteEvaluations(w http.ResponseWriter, r *http.Request) error {
	if err := checkDatabase(r, evaluationTable); err != nil {
		return err
	}
	var body struct {
		IDs []string `json:"eval_run_ids"`
	}
	if err := readDocument(w, r, &body, []string{"eval_run_ids"}); err != nil {
		return err
	}
	var d bodyDecoder
	d.count("eval_run_ids", len(body.IDs))
	if err := d.err(); err != nil {
		return err
	}
	if err := a.runs.DeleteEvaluations(r.Context(), body.IDs); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// newEvaluationBody is an EvalSchema of AgentOS, with what is our own at the end.
func newEvaluationBody(e *host.Evaluation) object {
	of := func(kind host.ComponentKind) any {
		if e.Component.Kind != kind {
			return nil
		}
		return e.Component.ID
	}
	return object{
		{"id", e.ID},
		{"agent_id", of(host.KindAgent)},
		{"model_id", orNull(e.Model)},
		{"model_provider", orNull(e.ModelProvider)},
		{"team_id", of(host.KindTeam)},
		{"workflow_id", of(host.KindWorkflow)},
		{"name", orNull(e.Name)},
		{"evaluated_component_name", orNull(e.Component.Name)},
		{"eval_type", evaluationType},
		{"eval_data", newEvaluationData(e)},
		{"eval_input", newEvaluationInput(e)},
		{"created_at", iso(e.CreatedAt)},
		{"updated_at", iso(e.UpdatedAt)},
		{"run_id", e.RunID},
		{"session_id", e.SessionID},
		{"hook_call_id", e.HookCallID},
		{"judge_run_id", orNull(e.JudgeRunID)},
	}
}

// newEvaluationData is what was found. The rate is a percentage.
func newEvaluationData(e *host.Evaluation) object {
	rate := 0
	if e.Passed {
		rate = 100
	}
	return object{
		{"results", []object{{
			{"criteria", orNull(e.Criteria)},
			{"input", rawOrNull(e.Input)},
			{"output", rawOrNull(e.Output)},
			{"score", orNull(e.Score)},
			{"passed", e.Passed},
			{"reason", orNull(e.Reason)},
		}}},
		{"score", orNull(e.Score)},
		{"passed", e.Passed},
		{"reason", orNull(e.Reason)},
		{"threshold", orNull(e.Threshold)},
		{"pass_rate", rate},
	}
}

// newEvaluationInput says how it was judged.
func newEvaluationInput(e *host.Evaluation) object {
	strategy := "binary"
	if e.Score != nil {
		strategy = "numeric"
	}
	return object{
		{"criteria", orNull(e.Criteria)},
		{"scoring_strategy", strategy},
		{"threshold", orNull(e.Threshold)},
	}
}
