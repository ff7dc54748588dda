package openai

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	sdk "github.com/sashabaranov/go-openai"
)

var (
	errTooLarge = errors.New("the response is larger than its limit")
	errRedirect = errors.New("a redirect is not followed")
)

// maxErrorBytes bounds what is read of an answer that is an error.
const maxErrorBytes = 64 << 10

// newHTTPClient makes the client of one model. Whole requests are bounded by
// their context: how long a model thinks before its headers is its own affair.
func newHTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			IdleConnTimeout:        90 * time.Second,
			MaxIdleConnsPerHost:    32,
			MaxResponseHeaderBytes: 1 << 20,
			ForceAttemptHTTP2:      true,
		},
		// The key must not follow a redirect, and a POST would become a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}

// exchange is one request and its answer. It bounds the answer, and keeps of it
// what the library does not hand on.
type exchange struct {
	client *http.Client
	// limit is the size of the answer in bytes.
	limit int64
	// began says that some of the answer has arrived; header is its head.
	began  atomic.Bool
	header http.Header
}

var _ sdk.HTTPDoer = (*exchange)(nil)

// Do sends the request.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotFirstResponseByte: func() { x.began.Store(true) },
	})
	resp, err := x.client.Do(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	x.header = resp.Header
	if resp.StatusCode >= http.StatusBadRequest {
		resp.Body = readError(resp.Body)
	} else {
		resp.Body = &limitedBody{ReadCloser: resp.Body, left: x.limit}
	}
	return resp, nil
}

// readError reads the beginning of an error. One that is too long or broken off
// still has its status, which says the most.
func readError(body io.ReadCloser) io.ReadCloser {
	defer body.Close()
	var text bytes.Buffer
	_, _ = io.Copy(&text, io.LimitReader(body, maxErrorBytes))
	return io.NopCloser(&text)
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
