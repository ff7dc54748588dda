package tool

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/snaphook-dev/snaphook/host"
)

// endpoint is a server that is reached over streamable HTTP, by a client of its
// own: the default one belongs to the guests.
type endpoint struct {
	*flights
	spec    host.MCPServer
	url     *url.URL
	base    *http.Transport
	timeout time.Duration
}

var (
	_ link              = (*endpoint)(nil)
	_ http.RoundTripper = (*endpoint)(nil)
)

// newEndpoint prepares requests. Timeout bounds dialing, and how long a stream of
// the server's own messages may take to begin.
func newEndpoint(spec host.MCPServer, timeout time.Duration) (*endpoint, error) {
	address, err := url.Parse(spec.URL)
	if err != nil {
		return nil, errors.New("the URL cannot be read")
	}
	return &endpoint{
		flights: newFlights(), spec: spec, url: address, timeout: timeout,
		base: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: timeout}).DialContext,
			TLSHandshakeTimeout: timeout,
			ForceAttemptHTTP2:   true,
			IdleConnTimeout:     90 * time.Second,
			MaxIdleConnsPerHost: 8,
		},
	}, nil
}

func (e *endpoint) transport() mcp.Transport {
	return &mcp.StreamableClientTransport{
		Endpoint:   serverName(e.spec), // it is in errors
		HTTPClient: &http.Client{Transport: e, CheckRedirect: sameOrigin},
		// What bounded refuses never comes to this limit.
		MaxEventSize: 2 * maxMessage,
	}
}

// maxRedirects bounds how often one request is sent elsewhere.
const maxRedirects = 3

// sameOrigin refuses a redirect to where the headers must not be seen.
func sameOrigin(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case req.URL.Scheme != first.Scheme || req.URL.Host != first.Host:
		return errors.New("it redirects to another host")
	case len(via) > maxRedirects:
		return errors.New("it redirects without end")
	}
	return nil
}

// RoundTrip sends a request with the headers of the server, and bounds the answer.
func (e *endpoint) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, land := e.begin(req.Context())
	req = e.authorize(req.Clone(ctx))
	for name, value := range e.spec.Headers {
		req.Header.Set(name, value)
	}
	if req.Method == http.MethodGet { // a stream: no call's deadline bounds its beginning
		timer := time.AfterFunc(e.timeout, land)
		defer timer.Stop()
	}
	resp, err := e.base.RoundTrip(req)
	if err != nil {
		land()
		return nil, err
	}
	if missing, asked := ctx.Value(missingKey{}).(*atomic.Bool); asked && forgotten(req, resp) {
		missing.Store(true)
	}
	stream := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream")
	resp.Body = &responseBody{bounded: bounded{Reader: resp.Body, lines: stream, snap: e.snap}, body: resp.Body, land: land}
	return resp, nil
}

// authorize adds what the URL of the server has beside its place.
func (e *endpoint) authorize(req *http.Request) *http.Request {
	if req.URL.Path == e.url.Path {
		req.URL.RawQuery = e.url.RawQuery
	}
	if user := e.url.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	return req
}

// missingKey is the key of an *atomic.Bool in the context of a call. It is set when
// the server answers that call itself as one of a session it has forgotten: then it
// was not made.
type missingKey struct{}

// forgotten reports whether the server does not know the session of a request: it says
// 404, or 400 as the SDK for TypeScript has it.
func forgotten(req *http.Request, resp *http.Response) bool {
	return resp.StatusCode == http.StatusNotFound ||
		resp.StatusCode == http.StatusBadRequest && req.Header.Get("Mcp-Session-Id") != ""
}

// responseBody is the body of an answer.
type responseBody struct {
	bounded
	body io.Closer
	land func()
}

// Close lets go of the request.
func (b *responseBody) Close() error {
	defer b.land()
	return b.body.Close()
}

// stop closes the connections that are kept.
func (e *endpoint) stop(time.Duration, <-chan struct{}) error {
	e.base.CloseIdleConnections()
	return nil
}

// serverName is how messages and logs name a server: without what may be secret,
// which is all of a URL but where it leads, and of a command what begins to look
// like options with values.
func serverName(spec host.MCPServer) string {
	if spec.URL != "" {
		u, err := url.Parse(spec.URL)
		if err != nil { // checkRef has parsed it
			return "at a URL"
		}
		u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
		return u.String()
	}
	name := spec.Command[0]
	for _, arg := range spec.Command[1:min(len(spec.Command), maxArgs+1)] {
		if strings.HasPrefix(arg, "--") || strings.ContainsAny(arg, "=:") {
			return name + " …"
		}
		name += " " + arg
	}
	return cut(name)
}

// maxArgs is how many arguments a command's name shows.
const maxArgs = 3

// conceal takes the values of env and headers out of a text.
func conceal(spec host.MCPServer, text string) string {
	for _, values := range []map[string]string{spec.Env, spec.Headers} {
		for name, value := range values {
			if len(value) >= minSecret {
				text = strings.ReplaceAll(text, value, fmt.Sprintf("[%s]", name))
			}
		}
	}
	return text
}

// minSecret is how long a value is that is taken for a secret, in bytes.
const minSecret = 6
