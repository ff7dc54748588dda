package httpapi

import (
	"context"

	"github.com/snaphook-dev/snaphook/host"
)

// runPages is a list of runs that is read page by page.
type runPages struct {
	filter host.RunFilter
	page   []host.Run
}

// runsAtOnce is how many runs are held in memory for one answer.
const runsAtOnce = 16

// firstRuns reads the first page of the runs that match.
func (a *api) firstRuns(ctx context.Context, filter host.RunFilter) (runPages, error) {
	filter.Limit = runsAtOnce
	p := runPages{filter: filter}
	return p, a.nextRuns(ctx, &p)
}

// firstRun returns the first of the runs of a session that are shown; false when
// there is none.
func (a *api) firstRun(ctx context.Context, sessionID string) (host.Run, bool, error) {
	page, _, err := a.sessions.SessionRuns(ctx, host.RunFilter{SessionID: sessionID, Limit: 1})
	if err != nil || len(page) == 0 {
		return host.Run{}, false, err
	}
	return page[0], true, nil
}

// nextRuns reads the next page; it is empty at the end.
func (a *api) nextRuns(ctx context.Context, p *runPages) (err error) {
	p.page, p.filter.AfterTurn, err = a.sessions.SessionRuns(ctx, p.filter)
	return err
}

// eachRun visits all runs from the page that is there.
func (a *api) eachRun(ctx context.Context, p runPages, visit func(*host.Run) error) error {
	for {
		for i := range p.page {
			if err := visit(&p.page[i]); err != nil {
				return err
			}
		}
		if p.filter.AfterTurn == 0 {
			return nil
		}
		if err := a.nextRuns(ctx, &p); err != nil {
			return err
		}
	}
}
