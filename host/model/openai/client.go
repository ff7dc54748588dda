package openai

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

var (
	errTooLarge = errors.New("the response is larger than its limit")
	errRedirect = errors.New("a redirect is not followed")
)

// newHTTPClient makes the client of one model. Whole requests are bounded by
// their context: how long a model thinks before its headers is its own affair.
func newHTTPClient(maxResponseBytes int64) *http.Client {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:    10 * time.Second,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    32,
		MaxResponseHeaderBytes: 1 << 20,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{
		Transport: &limitedTransport{next: transport, limit: maxResponseBytes},
		// The key must not follow a redirect, and a POST would become a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}

// limitedTransport bounds every response body.
type limitedTransport struct {
	next  http.RoundTripper
	limit int64
}

func (t *limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = &limitedBody{ReadCloser: resp.Body, left: t.limit}
	return resp, nil
}

// limitedBody fails, rather than ends, past its limit.
type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	// One byte more than allowed tells a body that fits from one that does not.
	p = p[:min(int64(len(p)), b.left+1)]
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, errTooLarge
	}
	return n, err
}

// unreachable reports whether the request got no answer at all.
func unreachable(err error) bool {
	var sent *url.Error
	return errors.As(err, &sent)
}
