package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// judgement is what a judge answers: one of Passed and Score, and why.
type judgement struct {
	Passed *bool    `json:"passed"`
	Score  *float64 `json:"score"`
	Reason *string  `json:"reason"`
}

// evaluation is what a judge's run found.
func (c config) evaluation(result pluginapi.RunResult) (pluginapi.Evaluation, error) {
	if result.Status != pluginapi.RunCompleted {
		return pluginapi.Evaluation{}, fmt.Errorf("it ended in %s%s", result.Status, because(result.Error))
	}
	given, err := readJudgement(result.Content)
	if err != nil {
		return pluginapi.Evaluation{}, err
	}
	e := pluginapi.Evaluation{
		Name: c.Name, Criteria: c.Criteria, Reason: cut(*given.Reason, maxReason), JudgeRunID: result.RunID,
	}
	if c.Scoring == scoringBinary {
		if given.Passed == nil || given.Score != nil {
			return pluginapi.Evaluation{}, errors.New(`its answer has no "passed", or a score that nobody asked for`)
		}
		e.Passed = *given.Passed
		return e, nil
	}
	if given.Score == nil || given.Passed != nil || !isScore(*given.Score) {
		return pluginapi.Evaluation{}, errors.New(`its answer has no whole number from 1 to 10 as "score"`)
	}
	threshold := float64(c.Threshold)
	e.Score, e.Threshold, e.Passed = given.Score, &threshold, *given.Score >= threshold
	return e, nil
}

// because says why a run failed, where it is known.
func because(failure *pluginapi.RunFailure) string {
	if failure == nil {
		return ""
	}
	return ": " + cut(failure.Message, maxFailure)
}

// readJudgement reads a judgement, or a text that is one.
func readJudgement(content json.RawMessage) (judgement, error) {
	var text string
	if json.Unmarshal(content, &text) == nil {
		content = json.RawMessage(text)
	}
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	var j judgement
	if dec.Decode(&j) != nil || dec.Decode(&struct{}{}) != io.EOF || j.Reason == nil {
		return judgement{}, errors.New("its answer is no judgement")
	}
	return j, nil
}

func isScore(n float64) bool { return n >= minScore && n <= maxScore && n == float64(int(n)) }

// What an evaluation holds of texts, in bytes, so that it fits the host's limit.
const (
	maxContent = 12 << 10 // as JSON
	maxReason  = 1 << 10
	maxFailure = 256
)

// shorten returns content that is too long as the beginning of its text.
func shorten(content json.RawMessage) json.RawMessage {
	if len(content) <= maxContent {
		return content
	}
	var text string
	if json.Unmarshal(content, &text) != nil {
		text = string(content)
	}
	for limit := maxContent; ; limit /= 2 {
		short, err := json.Marshal(cut(text, limit))
		if err != nil { // a string always marshals
			panic(err)
		}
		if len(short) <= maxContent {
			return short
		}
	}
}

// cut shortens s to limit bytes, between two characters.
func cut(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	end := limit - len(ellipsis)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}
