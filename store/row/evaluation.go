package row

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
)

// Evaluation is an evaluation as it is stored.
type Evaluation struct {
	host.Evaluation
	Doc []byte // JSON
}

// NewEvaluations encodes what a call found. Evaluations of another call or run are
// refused.
func NewEvaluations(call *host.HookCall) ([]Evaluation, error) {
	var rows []Evaluation
	for _, e := range call.Evaluations {
		if e.HookCallID != call.ID || e.RunID != call.RunID {
			return nil, fmt.Errorf("evaluation %q is of hook call %q of run %q", e.ID, e.HookCallID, e.RunID)
		}
		doc, err := Encode(e)
		if err != nil {
			return nil, fmt.Errorf("encode evaluation: %w", err)
		}
		rows = append(rows, Evaluation{Evaluation: e, Doc: doc})
	}
	return rows, nil
}

// EvaluationColumns are what ScanEvaluation takes.
const EvaluationColumns = `name, updated_at, doc`

// ScanEvaluation reads an evaluation.
func ScanEvaluation(r Scanner) (host.Evaluation, error) {
	var (
		e       host.Evaluation
		name    string
		updated int64
		doc     []byte
	)
	if err := r.Scan(&name, &updated, &doc); err != nil {
		return e, err
	}
	if err := decode(doc, &e, "evaluation"); err != nil {
		return e, err
	}
	e.Name, e.UpdatedAt = name, Time(updated)
	return e, nil
}
