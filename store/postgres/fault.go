package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/store/row"
)

// The conditions of PostgreSQL that callers are told of.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	characterNotInText   = "22021" // a zero byte, or no UTF-8
	diskFull             = "53100"
	readOnly             = "25006" // a standby, or a server that is being exchanged
)

// The classes of conditions that say nothing of the request.
const (
	connectionException   = "08"
	insufficientResources = "53"
	operatorIntervention  = "57" // the server stops or starts, or a statement took too long
	systemError           = "58" // outside of PostgreSQL
)

// condition returns PostgreSQL's code of an error, "" for another error.
func condition(err error) string {
	var fault *pgconn.PgError
	if errors.As(err, &fault) {
		return fault.Code
	}
	return ""
}

// passing reports an error that another try can avoid.
func passing(err error) bool {
	code := condition(err)
	return code == serializationFailure || code == deadlockDetected
}

// unreachable reports an error of the database or the way to it.
func unreachable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true // whatever the server says: it was not asked yet
	}
	code := condition(err)
	for _, class := range []string{connectionException, insufficientResources, operatorIntervention, systemError} {
		if strings.HasPrefix(code, class) {
			return true
		}
	}
	if code != "" {
		return code == readOnly
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}

// explained is what a caller is told of a failure.
func explained(err error) error {
	var known *host.Error
	switch code := condition(err); {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	case code == uniqueViolation:
		return &host.Error{Code: host.CodeConflict, Message: "It exists already", Err: err}
	case code == characterNotInText:
		return &host.Error{Code: host.CodeInvalid, Message: "A name or an id holds a character that cannot be stored", Err: err}
	case code == diskFull:
		return row.NoSpace(err)
	case code == readOnly, passing(err):
		return row.NotNow(err)
	case unreachable(err):
		return &host.Error{Code: host.CodeUnavailable, Message: "The store cannot be reached at the moment", Err: err}
	}
	return err
}
