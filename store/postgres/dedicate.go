package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// probePause is how long a dedicated connection may be silent until it is asked
	// whether it lives.
	probePause   = 2 * time.Second
	probeTimeout = 2 * time.Second
	// After a connection was lost another is made, at once and then less and less
	// often, up to lastReconnect.
	firstReconnect = 50 * time.Millisecond
	lastReconnect  = 2 * time.Second
)

// dedicate has use keep a connection of its own until ctx ends, and gives it
// another whenever it returns.
func (s *Store) dedicate(ctx context.Context, name string, use func(ctx context.Context, conn *pgx.Conn) error) error {
	for pause := time.Duration(0); ; {
		began := time.Now()
		if err := s.useConnection(ctx, use); ctx.Err() == nil {
			s.log.Warn("the connection to the database was lost", "for", name, "err", err)
		}
		if time.Since(began) > lastReconnect {
			pause = 0
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(max(firstReconnect, 2*pause), lastReconnect)
	}
}

func (s *Store) useConnection(ctx context.Context, use func(ctx context.Context, conn *pgx.Conn) error) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), probeTimeout)
		defer cancel()
		_ = conn.Close(end) // it may be lost
	}()
	return use(ctx, conn)
}

// watch hands on the payloads that arrive until the connection is lost, or ctx
// ends.
func watch(ctx context.Context, conn *pgx.Conn, receive func(payload string)) error {
	for {
		notification, err := next(ctx, conn)
		switch {
		case err == nil:
			receive(notification.Payload)
		case ctx.Err() != nil || !pgconn.Timeout(err) || conn.IsClosed():
			return err
		default:
			if err := probe(ctx, conn); err != nil {
				return err
			}
		}
	}
}

func next(ctx context.Context, conn *pgx.Conn) (*pgconn.Notification, error) {
	ctx, cancel := context.WithTimeout(ctx, probePause)
	defer cancel()
	return conn.WaitForNotification(ctx)
}

func probe(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if err := conn.Ping(ctx); err != nil {
		return errors.Join(errors.New("no answer"), err)
	}
	return nil
}
