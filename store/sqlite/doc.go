// Package sqlite keeps everything the host knows in one SQLite file: the
// embedded [host.Store].
//
// One goroutine writes. Callers hand it their writes and wait; it takes all that
// have gathered into one transaction, so concurrent callers share one flush to
// disk. Writes nobody waits for ride in the next transaction, and a run that
// ends before its creation was written is written once; until then it is known to
// those who ask for it or wait behind it. Reads have connections of their own and
// never wait for the writer.
//
// Only one process may open a file; [Open] takes a lock that dies with the
// process, so whatever another owner holds in the file is held by the dead.
package sqlite
