package openai

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/snaphook-dev/snaphook/host/model"
)

const (
	// The wait before the first retry, doubled with each, at most maxBackoff.
	firstBackoff = 500 * time.Millisecond
	maxBackoff   = 8 * time.Second
	// maxRetryAfter bounds what a server may ask for.
	maxRetryAfter = time.Minute
)

// send tries until the model has answered, or has failed in a way that another
// attempt would not mend, or there is no attempt or no time left.
func (m *Model) send(ctx context.Context, c *call) (model.Response, error) {
	for {
		x := &exchange{client: m.http, limit: m.config.MaxResponseBytes}
		resp, err := m.try(ctx, x, c)
		c.attempts++
		if err == nil || ctx.Err() != nil || !m.mayRetry(x, c, err) {
			return resp, err
		}
		wait := m.wait(x, c)
		if wait >= m.config.Timeout-m.config.Now().Sub(c.start) {
			return resp, err
		}
		if err := m.config.Sleep(ctx, wait); err != nil {
			return resp, err
		}
	}
}

func (m *Model) mayRetry(x *exchange, c *call, err error) bool {
	if c.delivered || c.attempts > *m.config.MaxRetries {
		return false
	}
	if r, ok := refusalOf(err); ok {
		return r.temporary()
	}
	return unreachable(err) && !x.began.Load() && !distrusted(err)
}

// distrusted reports whether the server's certificate is wrong, which it stays.
func distrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// wait is the time before the next attempt: what the server asked for, and on
// top of it the backoff, so that those who were told the same do not all come
// back at once.
func (m *Model) wait(x *exchange, c *call) time.Duration {
	backoff := float64(min(firstBackoff<<(c.attempts-1), maxBackoff)) * m.config.Jitter()
	return retryAfter(x.header, m.config.Now()) + time.Duration(backoff)
}

// retryAfter is how long the server asks to be left alone, at most
// maxRetryAfter; 0 when it does not say, or not in a way that is understood.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// sleep waits for d or the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
