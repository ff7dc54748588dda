package pluginapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
// Value is null.
type Transform struct {
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// ErrVerdict is wrapped by every error of ParseVerdict.
var ErrVerdict = errors.New("invalid verdict")

// ParseVerdict reads what a hook returned. It checks everything agent-hooks/0.1
// §5 asks for but the size of the evidence, whose canonical form needs more
// than the standard library. Its errors wrap ErrVerdict and never quote a value
// of the document.
func ParseVerdict(data []byte) (Verdict, error) {
	var v Verdict
	members, err := object(data)
	if err != nil {
		return v, fmt.Errorf("%w: %w", ErrVerdict, err)
	}
	for name := range members {
		// encoding/json would accept other spellings of a known name.
		if !verdictMember(name) {
			return v, fmt.Errorf("%w: unknown member", ErrVerdict)
		}
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return Verdict{}, fmt.Errorf("%w: %s", ErrVerdict, decodeProblem(err))
	}
	if err := v.check(members); err != nil {
		return Verdict{}, fmt.Errorf("%w: %w", ErrVerdict, err)
	}
	return v, nil
}

func verdictMember(name string) bool {
	switch name {
	case "decision", "reason", "message", "warnings", "approval", "transform", "evidence", "result_labels":
		return true
	}
	return false
}

// object returns the top-level members of data, which must be one JSON object
// without repeated names.
func object(data []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	open, err := dec.Token()
	if err != nil {
		return nil, errors.New("not JSON")
	}
	if open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := map[string]json.RawMessage{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, errors.New("not JSON")
		}
		key, _ := name.(string)
		if _, repeated := members[key]; repeated {
			return nil, errors.New("a member is repeated")
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, errors.New("not JSON")
		}
		members[key] = raw
	}
	if _, err := dec.Token(); err != nil {
		return nil, errors.New("not JSON")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON object")
	}
	return members, nil
}

// decodeProblem words a decoding error without the values it met.
func decodeProblem(err error) string {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return fmt.Sprintf("%s must not be a %s", typ.Field, typ.Value)
	}
	if strings.Contains(err.Error(), "unknown field") {
		return "unknown member"
	}
	return "not JSON"
}

func (v Verdict) check(members map[string]json.RawMessage) error {
	switch v.Decision {
	case Allow, Deny, TransformTo:
	case "":
		return errors.New("decision is missing")
	default:
		return errors.New("decision is not allow, deny or transform")
	}
	if strings.HasPrefix(v.Reason, ReservedPrefix) {
		return errors.New("reason uses the reserved prefix " + ReservedPrefix)
	}
	for _, w := range v.Warnings {
		if strings.HasPrefix(w.Reason, ReservedPrefix) {
			return errors.New("a warning's reason uses the reserved prefix " + ReservedPrefix)
		}
	}
	if err := v.checkWarnings(members["warnings"]); err != nil {
		return err
	}
	if err := v.checkTransform(members["transform"]); err != nil {
		return err
	}
	if raw, ok := members["approval"]; ok {
		if v.Decision != Deny {
			return errors.New("approval is only for a deny")
		}
		if !isObject(raw) {
			return errors.New("approval is not an object")
		}
	}
	if raw, ok := members["evidence"]; ok {
		return checkEvidence(raw)
	}
	return nil
}

func (v Verdict) checkWarnings(raw json.RawMessage) error {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return nil
	}
	for _, item := range items {
		if !isObject(item) {
			return errors.New("a warning is not an object")
		}
	}
	return nil
}

func (v Verdict) checkTransform(raw json.RawMessage) error {
	switch {
	case v.Decision == TransformTo && v.Transform == nil:
		return errors.New("transform is missing")
	case v.Decision != TransformTo && raw != nil:
		return errors.New("transform is only for the decision transform")
	case v.Transform != nil && v.Transform.Path == "":
		return errors.New("transform.path is missing")
	}
	return nil
}

func checkEvidence(raw json.RawMessage) error {
	if !isObject(raw) {
		return errors.New("evidence is not an object")
	}
	var e struct {
		Artefact *string                     `json:"artefact"`
		Pointers map[string]*json.RawMessage `json:"verification_pointers"`
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if dec.Decode(&e) != nil {
		return errors.New("evidence does not fit its schema")
	}
	for _, p := range e.Pointers {
		var s string
		if p == nil || json.Unmarshal(*p, &s) != nil {
			return errors.New("a verification pointer is not a string")
		}
	}
	return nil
}

func isObject(raw json.RawMessage) bool {
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{'
}
