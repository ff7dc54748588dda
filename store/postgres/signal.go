package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/snaphook-dev/snaphook/host"
)

// channel carries all signals, as "kind:id".
const channel = "snaphook"

// maxPayload bounds what names a row in a signal: a longer id, which is cut, tells
// nobody, and who waits finds out by looking.
const maxPayload = 4000

func payloads(signals []host.Signal) []string {
	texts := make([]string, len(signals))
	for i, signal := range signals {
		text := string(signal.Kind) + ":" + signal.ID
		texts[i] = strings.ToValidUTF8(text[:min(len(text), maxPayload)], "")
	}
	return texts
}

func signalOf(payload string) host.Signal {
	kind, id, _ := strings.Cut(payload, ":")
	return host.Signal{Kind: host.SignalKind(kind), ID: id}
}

// Listen hands the signals of all nodes to receive until ctx ends. When the
// connection was lost, and with it signals, each kind comes once without an id.
func (s *Store) Listen(ctx context.Context, receive func(host.Signal)) error {
	again := false
	return s.dedicate(ctx, "listen", func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
			return err
		}
		if again {
			tellAll(receive)
		}
		again = true
		return watch(ctx, conn, func(payload string) { receive(signalOf(payload)) })
	})
}

// tellAll says that anything may have happened.
func tellAll(receive func(host.Signal)) {
	for _, kind := range []host.SignalKind{
		host.SignalWork, host.SignalCancel, host.SignalEvents, host.SignalSession, host.SignalPlugins,
	} {
		receive(host.Signal{Kind: kind})
	}
}
