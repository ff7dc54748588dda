package main

import (
	"context"
	"errors"
	"fmt"
)

// mostMemory is how large the host may be after many runs, in MB.
const mostMemory = 80

// memory is the host's resident memory after many runs without a plugin.
func (m *measurement) memory(ctx context.Context) error {
	dir, err := m.folder()
	if err != nil {
		return err
	}
	s, err := startHost(ctx, dir, setup{})
	if err != nil {
		return err
	}
	l, err := generate(ctx, s.run(), 8, m.many/8, 0)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	rss, err := s.rss()
	fmt.Printf("\n%d runs without plugins: RSS %d MB  %s\n", l.runs, rss>>20, atMost(mostMemory).verdict(float64(rss>>20)))
	return errors.Join(err, s.stop())
}
