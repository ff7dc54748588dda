package pluginapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Decision is what a hook decided.
type Decision string

// The three decisions (agent-hooks/0.1 §5.1).
const (
	Allow       Decision = "allow"
	Deny        Decision = "deny"
	TransformTo Decision = "transform"
)

// ReservedPrefix starts the reasons only the host may give.
const ReservedPrefix = "host_error:"

// MaxEvidenceBytes bounds a verdict's evidence in its RFC 8785 form.
const MaxEvidenceBytes = 10240

// Verdict is the document a hook answers (agent-hooks/0.1 §5).
type Verdict struct {
	Decision Decision `json:"decision"`
	// Reason is an identifier for programs, Message a text for people.
	Reason   string    `json:"reason,omitempty"`
	Message  string    `json:"message,omitempty"`
	Warnings []Warning `json:"warnings,omitempty"`
	// Approval marks a deny as one that an approval may lift.
	Approval  json.RawMessage `json:"approval,omitempty"`
	Transform *Transform      `json:"transform,omitempty"`
	// Evidence is opaque to the host and handed on unchanged.
	Evidence     json.RawMessage `json:"evidence,omitempty"`
	ResultLabels []string        `json:"result_labels,omitempty"`
}

// Warning is a concern that does not change the decision.
type Warning struct {
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// Transform replaces the value at Path, which is rooted at $target. A missing
// Value means null, and ParseVerdict makes it so.
type Transform struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// ErrVerdict is wrapped by every error of ParseVerdict.
var ErrVerdict = errors.New("invalid verdict")

// ParseVerdict reads what a hook returned. It checks everything agent-hooks/0.1
// §5 asks for but the size of the evidence, whose canonical form needs more
// than the standard library, and the transform's path, which needs the target.
// Its errors wrap ErrVerdict and quote nothing of the document.
func ParseVerdict(data []byte) (Verdict, error) {
	v, err := parseVerdict(data)
	if err != nil {
		return Verdict{}, fmt.Errorf("%w: %w", ErrVerdict, err)
	}
	return v, nil
}

func parseVerdict(data []byte) (Verdict, error) {
	var v Verdict
	members, err := object(data, "decision", "reason", "message", "warnings",
		"approval", "transform", "evidence", "result_labels")
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(data, &v); err != nil {
		return v, decodeProblem(err)
	}
	v.dropNulls(members)
	if err := v.checkDecision(members); err != nil {
		return v, err
	}
	for _, part := range verdictParts {
		if raw, ok := members[part.name]; ok {
			if err := part.check(raw); err != nil {
				return v, fmt.Errorf("%s: %w", part.name, err)
			}
		}
	}
	if v.Transform != nil && v.Transform.Value == nil {
		v.Transform.Value = json.RawMessage("null")
	}
	return v, nil
}

// dropNulls treats a member that is null as one that is absent.
func (v *Verdict) dropNulls(members map[string]json.RawMessage) {
	for name, raw := range members {
		if isNull(raw) {
			delete(members, name)
		}
	}
	if isNull(v.Approval) {
		v.Approval = nil
	}
	if isNull(v.Evidence) {
		v.Evidence = nil
	}
}

// verdictParts are the members that have rules of their own.
var verdictParts = []struct {
	name  string
	check func(json.RawMessage) error
}{
	{"warnings", checkWarnings},
	{"transform", checkTransform},
	{"evidence", checkEvidence},
	{"result_labels", checkLabels},
}

// decodeProblem words a decoding error without the values it met.
func decodeProblem(err error) error {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return fmt.Errorf("%s must not be a %s", typ.Field, typ.Value)
	}
	return errNotJSON
}

// checkDecision checks the decision, and what may or must stand beside it.
func (v Verdict) checkDecision(members map[string]json.RawMessage) error {
	_, transform := members["transform"]
	approval, hasApproval := members["approval"]
	switch {
	case v.Decision == "":
		return errors.New("decision is missing")
	case v.Decision != Allow && v.Decision != Deny && v.Decision != TransformTo:
		return errors.New("decision is not allow, deny or transform")
	case strings.HasPrefix(v.Reason, ReservedPrefix):
		return errReserved
	case transform && v.Decision != TransformTo:
		return errors.New("transform is only for the decision transform")
	case !transform && v.Decision == TransformTo:
		return errors.New("transform is missing")
	case hasApproval && v.Decision != Deny:
		return errors.New("approval is only for a deny")
	case hasApproval && !isObject(approval):
		return errors.New("approval is not an object")
	}
	return nil
}

var errReserved = errors.New("reason starts with " + ReservedPrefix + ", which is reserved")

func checkWarnings(raw json.RawMessage) error {
	items, err := array(raw)
	if err != nil {
		return err
	}
	for _, item := range items {
		if _, err := object(item, "reason", "message"); err != nil {
			return err
		}
		var w Warning
		if err := json.Unmarshal(item, &w); err != nil {
			return decodeProblem(err)
		}
		if strings.HasPrefix(w.Reason, ReservedPrefix) {
			return errReserved
		}
	}
	return nil
}

func checkTransform(raw json.RawMessage) error {
	members, err := object(raw, "path", "value")
	if err != nil {
		return err
	}
	if !isString(members["path"]) {
		return errors.New("path is missing")
	}
	return nil
}

func checkEvidence(raw json.RawMessage) error {
	members, err := object(raw, "artefact", "verification_pointers")
	if err != nil {
		return err
	}
	if artefact, ok := members["artefact"]; ok && !isString(artefact) && !isNull(artefact) {
		return errors.New("artefact is not a string")
	}
	list, ok := members["verification_pointers"]
	if !ok {
		return nil
	}
	pointers, err := object(list)
	if err != nil {
		return err
	}
	for _, pointer := range pointers {
		if !isString(pointer) {
			return errors.New("a verification pointer is not a string")
		}
	}
	return nil
}

func checkLabels(raw json.RawMessage) error {
	items, err := array(raw)
	if err != nil {
		return err
	}
	for _, item := range items {
		if !isString(item) {
			return errors.New("a label is not a string")
		}
	}
	return nil
}
