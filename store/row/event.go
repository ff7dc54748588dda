package row

import "github.com/snaphook-dev/snaphook/host"

// EventColumns are what ScanEvent takes.
const EventColumns = `idx, doc`

// ScanEvent reads an event of a run.
func ScanEvent(r Scanner) (host.RunEvent, error) {
	var (
		event host.RunEvent
		doc   []byte
	)
	if err := r.Scan(&event.Index, &doc); err != nil {
		return event, err
	}
	err := decode(doc, &event, "event")
	return event, err
}
