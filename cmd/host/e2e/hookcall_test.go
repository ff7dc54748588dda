package e2e

import (
	"slices"
	"strings"
	"testing"
)

// hookCall is a hook result as the API shows it.
type hookCall struct {
	ID             string `json:"id"`
	RunID          string `json:"run_id"`
	Plugin         string `json:"plugin"`
	Hook           string `json:"hook"`
	Point          string `json:"point"`
	Mode           string `json:"mode"`
	Guardrail      bool   `json:"guardrail"`
	Status         string `json:"status"`
	Outcome        string `json:"outcome"`
	Decision       string `json:"decision"`
	Reason         string `json:"reason"`
	Attempt        int    `json:"attempt"`
	MaxAttempts    int    `json:"max_attempts"`
	IdempotencyKey string `json:"idempotency_key"`
	Warnings       []struct {
		Reason string `json:"reason"`
	} `json:"warnings"`
	Logs []struct {
		Level   string `json:"level"`
		Message string `json:"message"`
	} `json:"logs"`
	Error *struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

func (h hookCall) final() bool { return h.Status != "queued" && h.Status != "running" }

// name is how tests name a call.
func (h hookCall) name() string { return h.Plugin + "." + h.Hook }

// summary is what most tests want to know of a call.
func (h hookCall) summary() string {
	words := []string{h.name(), h.Mode, h.Status}
	for _, word := range []string{h.Outcome, h.Reason} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// logged reports whether the call logged a line with the text.
func (h hookCall) logged(text string) bool {
	for _, line := range h.Logs {
		if strings.Contains(line.Message, text) {
			return true
		}
	}
	return false
}

// warned reports whether the call left a warning with the reason.
func (h hookCall) warned(reason string) bool {
	for _, w := range h.Warnings {
		if w.Reason == reason {
			return true
		}
	}
	return false
}

// hooks returns the hook results of a run as they are now.
func (c *client) hooks(t testing.TB, runID string) []hookCall {
	t.Helper()
	var list struct {
		Data []hookCall `json:"data"`
	}
	c.get(t, "/runs/"+runID+"/hooks").want(t, 200).into(t, &list)
	return list.Data
}

// settled waits until every hook call of a run is final, and returns them.
func (c *client) settled(t testing.TB, runID string) []hookCall {
	t.Helper()
	var calls []hookCall
	eventually(t, "the hook calls of run "+runID+" are final", func() bool {
		calls = c.hooks(t, runID)
		return !slices.ContainsFunc(calls, func(h hookCall) bool { return !h.final() })
	})
	return calls
}

func summaries(calls []hookCall) []string {
	all := make([]string, len(calls))
	for i, h := range calls {
		all[i] = h.summary()
	}
	return all
}

// find returns the one call of that name.
func find(t testing.TB, calls []hookCall, name string) hookCall {
	t.Helper()
	i := slices.IndexFunc(calls, func(h hookCall) bool { return h.name() == name })
	if i < 0 {
		t.Fatalf("no call of %s in %v", name, summaries(calls))
	}
	return calls[i]
}
