package host

import (
	"context"
	"encoding/json"
	"time"
)

// Evaluation is what a hook found of a run. It is stored together with the end of
// the hook call that made it.
type Evaluation struct {
	ID         string `json:"id"`
	HookCallID string `json:"hook_call_id"`
	// RunID, SessionID and Component are of the run that was judged.
	RunID     string    `json:"run_id"`
	SessionID string    `json:"session_id"`
	Component Component `json:"component"`
	Plugin    string    `json:"plugin"`
	Hook      string    `json:"hook"`
	// Name is the evaluation's own, at most 256 bytes.
	Name string `json:"name,omitempty"`
	// Score is nil for a judgement without a number.
	Score     *float64 `json:"score,omitempty"`
	Threshold *float64 `json:"threshold,omitempty"`
	Passed    bool     `json:"passed"`
	Reason    string   `json:"reason,omitempty"`
	Criteria  string   `json:"criteria,omitempty"`
	// Input and Output are what was judged, JSON strings or objects; nil where the
	// hook does not say.
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
	// JudgeRunID is the run that judged, empty for none; Model and ModelProvider are
	// that run's.
	JudgeRunID    string    `json:"judge_run_id,omitempty"`
	Model         string    `json:"model,omitempty"`
	ModelProvider string    `json:"model_provider,omitempty"`
	CreatedAt     time.Time `json:"created_at"`
	UpdatedAt     time.Time `json:"updated_at"`
}

// EvaluationFilter chooses evaluations; zero fields choose all.
type EvaluationFilter struct {
	// Component is the one that was judged.
	Component BindingScope
	Model     string
	RunID     string
	// Ascending has the oldest first.
	Ascending bool
	Offset    int
	Limit     int
}

// EvaluationStore keeps evaluations. FinishRun and FinishHookCall store those of
// the calls they store; they go with the run they judge.
type EvaluationStore interface {
	// Evaluations returns one page of those the filter chooses, and how many there
	// are in all, at most MaxCounted.
	Evaluations(ctx context.Context, filter EvaluationFilter) (page []Evaluation, total int, err error)
	// Evaluation returns one.
	Evaluation(ctx context.Context, id string) (Evaluation, error)
	// RenameEvaluation names one and returns it.
	RenameEvaluation(ctx context.Context, id, name string, at time.Time) (Evaluation, error)
	// DeleteEvaluations deletes those that exist.
	DeleteEvaluations(ctx context.Context, ids []string) error
}
