package host

import "github.com/google/uuid"

// NewID returns an id nobody else has and nobody can guess: a UUID whose front is
// the time (version 7), so that rows stored together lie together in an index.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }
