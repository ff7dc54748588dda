package e2e

import (
	"encoding/json"
	"testing"
)

// storedRun is a row of runs.
type storedRun struct {
	ID        string `json:"id"`
	Component struct {
		ID string `json:"id"`
	} `json:"component"`
	Background bool `json:"background"`
	Failure    struct {
		Type    string `json:"type"`
		Refused bool   `json:"refused"`
	} `json:"failure"`

	status  string
	attempt int
}

// final reports whether the run is over.
func (r storedRun) final() bool { return r.status != "PENDING" && r.status != "RUNNING" }

func (db database) runs(t testing.TB) []storedRun {
	t.Helper()
	return all(t, db, `SELECT status, attempt, doc FROM runs`, func(scan func(...any) error) (storedRun, error) {
		var r storedRun
		var doc []byte
		err := scan(&r.status, &r.attempt, &doc)
		if err == nil {
			err = json.Unmarshal(doc, &r)
		}
		return r, err
	})
}
