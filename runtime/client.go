package runtime

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Bounds of a guest's requests, in bytes where nothing else is said.
const (
	maxResponseBody    = 1 << 20
	maxResponseHeaders = 64 << 10
	maxRequestHeaders  = 16 << 10
	maxHeaderCount     = 64
	maxRedirects       = 3
	dialTimeout        = 5 * time.Second
	headerTimeout      = 30 * time.Second
	requestTimeout     = 60 * time.Second
)

// NewHTTPClient returns the client for guests' requests. The engine sends them
// through http.DefaultClient, so the program assigns this client to that once,
// before the first call; nothing else of the host may use it.
//
// It sends a request only where the Call's HTTPGrant allows, checks every
// redirect and every address it dials, and uses neither proxies nor cookies. A
// request outside a call is refused.
func NewHTTPClient() *http.Client {
	return newHTTPClient(net.DefaultResolver)
}

func newHTTPClient(resolver *net.Resolver) *http.Client {
	return &http.Client{
		Transport: &guardedTransport{base: &http.Transport{
			DialContext:            guardedDial(resolver),
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			MaxResponseHeaderBytes: maxResponseHeaders,
			// A connection belongs to one call; two plugins share none.
			DisableKeepAlives: true,
		}},
		CheckRedirect: checkRedirect,
		Timeout:       requestTimeout,
	}
}

// guardedTransport checks every request, the ones of redirects included.
type guardedTransport struct {
	base *http.Transport
}

var _ http.RoundTripper = (*guardedTransport)(nil)

// RoundTrip sends a request if the grant in its context allows it, with the
// secrets it refers to.
func (t *guardedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkRequest(r); err != nil {
		closeBody(r)
		return nil, refused{err}
	}
	resp, err := t.send(r)
	if err != nil {
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxResponseBody}
	return resp, nil
}

// send sends a request that was found good, or has the call's stub answer it.
func (t *guardedTransport) send(r *http.Request) (*http.Response, error) {
	g := grantFrom(r.Context())
	if g.stub != nil {
		return answerStub(g.stub, r)
	}
	sent, err := g.secrets.fill(r)
	if err != nil {
		closeBody(r)
		return nil, refused{err}
	}
	resp, err := t.base.RoundTrip(sent)
	if err != nil {
		return nil, err
	}
	resp.Request = r // nobody is to find the secrets there
	return resp, nil
}

// closeBody is for a request that is not sent.
func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close() // nothing was written to it
	}
}

func checkRequest(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return fmt.Errorf("the method %q is not allowed", clean(r.Method, maxNameText))
	}
	if r.Host != "" && r.Host != r.URL.Host {
		return errors.New("a request must not name another host than its URL")
	}
	if err := checkRequestHeaders(r.Header); err != nil {
		return err
	}
	return grantFrom(r.Context()).check(r.URL)
}

// hostHeaders are set by the host alone: they steer the connection.
var hostHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Expect": true, "Host": true, "Http2-Settings": true,
	"Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// checkRequestHeaders checks the headers of a request.
func checkRequestHeaders(header http.Header) error {
	count, size := 0, 0
	for name, values := range header {
		if hostHeaders[http.CanonicalHeaderKey(name)] {
			return fmt.Errorf("the header %s is set by the host", clean(name, maxNameText))
		}
		for _, v := range values {
			if strings.ContainsAny(v, "\r\n\x00") {
				return fmt.Errorf("the header %s has a line break or a zero byte", clean(name, maxNameText))
			}
			count++
			size += len(name) + len(v)
		}
	}
	if count > maxHeaderCount || size > maxRequestHeaders {
		return fmt.Errorf("a request may have %d headers of %d bytes in all", maxHeaderCount, maxRequestHeaders)
	}
	return nil
}

// checkRedirect bounds redirects. Whoever the first request did not name must
// not see its credentials.
func checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return refused{fmt.Errorf("more than %d redirects", maxRedirects)}
	}
	for _, r := range append(via[1:len(via):len(via)], next) {
		if !sameOrigin(r, via[0]) {
			for _, name := range []string{"Authorization", "Cookie", "Referer"} {
				next.Header.Del(name)
			}
			dropSecrets(next.Header)
		}
	}
	return nil
}

func sameOrigin(a, b *http.Request) bool {
	return a.URL.Scheme == b.URL.Scheme && a.URL.Host == b.URL.Host
}

// boundedBody fails when there is more to read than left. It stands behind
// decompression, so what counts is what the guest gets.
type boundedBody struct {
	io.ReadCloser
	left int64
}

var errBodyTooLarge = refused{fmt.Errorf("the response has more than %d bytes", maxResponseBody)}

// Read never returns more than the bound; one byte more is asked for to notice.
func (b *boundedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		return int(b.left), errBodyTooLarge
	}
	b.left -= int64(n)
	return n, err
}
