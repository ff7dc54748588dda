package row

import (
	"cmp"
	"slices"

	"github.com/snaphook-dev/snaphook/host"
)

// ClaimedRun is a run that was leased, with its place in the order of creation.
type ClaimedRun struct {
	place int64
	Work  host.RunWork
}

// ScanClaimedRun reads the place, how often workers were lost, whether somebody has
// asked to cancel the run, and RunColumns.
func ScanClaimedRun(r Scanner) (ClaimedRun, error) {
	var c ClaimedRun
	run, err := ScanRun(Leading(Leading(Leading(r, &c.place), &c.Work.Lost), &c.Work.CancelRequested))
	c.Work.Run = run
	return c, err
}

// ClaimedWork returns the work of the runs, those created first first. ScanProgress
// adds what they go on from.
func ClaimedWork(runs []ClaimedRun) []host.RunWork {
	slices.SortFunc(runs, func(a, b ClaimedRun) int { return cmp.Compare(a.place, b.place) })
	work := make([]host.RunWork, len(runs))
	for i, run := range runs {
		work[i] = run.Work
	}
	return work
}

// ScanProgress adds what a run goes on from: its request, which may be NULL, its
// checkpoint, and the index of its next event.
func ScanProgress(r Scanner, work *host.RunWork) error {
	var request, checkpoint []byte
	if err := r.Scan(&request, &checkpoint, &work.NextEvent); err != nil {
		return err
	}
	work.Checkpoint = checkpoint
	if request == nil {
		return nil
	}
	return decode(request, &work.Request, "request")
}
