// Package postgres keeps everything the host knows in a PostgreSQL database that
// several nodes share: the [host.Store] for more than one process.
//
// Every write that is waited for is a transaction of its own; the end of a run is
// one round trip. Writes nobody waits for gather for a moment and are written
// together; a run that ends before its creation was written is written once. The
// ends of hook calls share what transactions there is room for.
//
// Three advisory locks per transaction stand in for the one writer of an embedded
// store: of the session, so that runs take their places and turns in the order in
// which they commit; of the run that is being created, so that a cancel that came
// first is not missed; of the queue, near its bound. They are always taken in this
// order.
//
// Signals travel by NOTIFY, but only where somebody may wait: the commits of those
// transactions go one after another. Work that is due is handed to Config.Insert
// in the transaction that made it due; without it a signal tells of it.
package postgres
