package runtime

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

// serve starts a real server on a loopback address.
func serve(t *testing.T, handler http.HandlerFunc) *url.URL {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// granted is a context of a call that may send requests to hosts.
func granted(t *testing.T, hosts ...string) context.Context {
	t.Helper()
	g, err := newGrant(&HTTPGrant{Hosts: hosts}, pluginapi.ModeBlocking)
	if err != nil {
		t.Fatal(err)
	}
	return withGrant(t.Context(), g)
}

func request(t *testing.T, ctx context.Context, method, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fetch returns the body or the first error on the way to it.
func fetch(client *http.Client, r *http.Request) (string, error) {
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func wantRefused(t *testing.T, err error, part string) {
	t.Helper()
	var no refused
	if !errors.As(err, &no) || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v, want a refusal with %q", err, part)
	}
}

func TestClientObeysTheGrant(t *testing.T) {
	t.Parallel()
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	local := "http://localhost:" + u.Port()
	client := NewHTTPClient()
	for _, to := range []string{u.String(), local} {
		body, err := fetch(client, request(t, granted(t, to), http.MethodGet, to))
		if err != nil || body != "hello" {
			t.Errorf("%s: body %q, error %v", to, body, err)
		}
	}
	_, err := fetch(client, request(t, t.Context(), http.MethodGet, u.String()))
	wantRefused(t, err, "not granted")
	_, err = fetch(client, request(t, granted(t, local), http.MethodGet, u.String()))
	wantRefused(t, err, "requests to "+u.String()+" are not granted")
	_, err = fetch(client, request(t, granted(t), http.MethodGet, "http://169.254.169.254/latest/meta-data"))
	wantRefused(t, err, "not granted")
}

// A granted name must not lead into the host's network, whatever the name
// server says.
func TestClientChecksDialledAddress(t *testing.T) {
	t.Parallel()
	u := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "secret") })
	client := newHTTPClient(resolverOf(t, [4]byte{127, 0, 0, 1}))
	to := "http://rebound.example:" + u.Port()
	_, err := fetch(client, request(t, granted(t, to), http.MethodGet, to))
	wantRefused(t, err, "127.0.0.1, which is not public")
}

func TestClientIgnoresProxies(t *testing.T) {
	t.Parallel()
	if NewHTTPClient().Transport.(*guardedTransport).base.Proxy != nil {
		t.Error("the client uses a proxy")
	}
}

func TestClientChecksRedirects(t *testing.T) {
	t.Parallel()
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Join([]string{r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("Referer"), r.Header.Get("X-Kept")}, "|"))
	})
	first := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/other":
			http.Redirect(w, r, other.String(), http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/1", "/2", "/3":
			http.Redirect(w, r, map[string]string{"/1": "/2", "/2": "/3", "/3": "/4"}[r.URL.Path], http.StatusFound)
		case "/4":
			io.WriteString(w, "there")
		default:
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	})
	get := func(ctx context.Context, path string) (string, error) {
		r := request(t, ctx, http.MethodGet, first.String()+path)
		r.Header.Set("Authorization", "Bearer secret")
		r.Header.Set("Cookie", "a=b")
		r.Header.Set("X-Kept", "kept")
		return fetch(NewHTTPClient(), r)
	}
	body, err := get(granted(t, first.String(), other.String()), "/other")
	if err != nil || body != "|||kept" {
		t.Errorf("the other host saw %q, error %v", body, err)
	}
	if body, err := get(granted(t, first.String()), "/1"); err != nil || body != "there" {
		t.Errorf("three redirects ended in %q, error %v", body, err)
	}
	for path, part := range map[string]string{
		"/other": "not granted", "/metadata": "not granted", "/file": "scheme", "/loop": "more than 3 redirects",
	} {
		_, err := get(granted(t, first.String()), path)
		wantRefused(t, err, part)
	}
}

func TestClientChecksRequests(t *testing.T) {
	t.Parallel()
	u := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method) })
	ctx := granted(t, u.String())
	tests := map[string]struct {
		change func(r *http.Request)
		part   string
	}{
		"method":       {func(r *http.Request) { r.Method = http.MethodTrace }, "method"},
		"connect":      {func(r *http.Request) { r.Method = http.MethodConnect }, "method"},
		"host":         {func(r *http.Request) { r.Host = "evil.example" }, "another host"},
		"host header":  {func(r *http.Request) { r.Header.Set("Host", "evil.example") }, "set by the host"},
		"hop by hop":   {func(r *http.Request) { r.Header["transfer-encoding"] = []string{"chunked"} }, "set by the host"},
		"line break":   {func(r *http.Request) { r.Header.Set("X-A", "b\r\nX-Evil: 1") }, "line break"},
		"many headers": {func(r *http.Request) { r.Header["X-A"] = make([]string, 65) }, "64 headers"},
		"long header":  {func(r *http.Request) { r.Header.Set("X-A", strings.Repeat("a", 16<<10)) }, "16384 bytes"},
		"user":         {func(r *http.Request) { r.URL.User = url.UserPassword("a", "b") }, "user name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request(t, ctx, http.MethodGet, u.String())
			tt.change(r)
			_, err := fetch(NewHTTPClient(), r)
			wantRefused(t, err, tt.part)
		})
	}
	r := request(t, ctx, http.MethodGet, u.String())
	r.Header["X A"] = []string{"b"}
	if _, err := fetch(NewHTTPClient(), r); err == nil || !strings.Contains(err.Error(), "invalid header") {
		t.Errorf("an odd name: error %v", err)
	}
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if body, err := fetch(NewHTTPClient(), request(t, granted(t, u.String()), method, u.String())); err != nil || body != method {
			t.Errorf("%s: body %q, error %v", method, body, err)
		}
	}
}

func TestClientBoundsTheBody(t *testing.T) {
	t.Parallel()
	u := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fits":
			io.WriteString(w, strings.Repeat("a", maxResponseBody))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			packed := gzip.NewWriter(w)
			io.WriteString(packed, strings.Repeat("a", maxResponseBody+1))
			packed.Close()
		}
	})
	ctx := granted(t, u.String())
	body, err := fetch(NewHTTPClient(), request(t, ctx, http.MethodGet, u.String()+"/fits"))
	if err != nil || len(body) != maxResponseBody {
		t.Errorf("a body of %d bytes came as %d, error %v", maxResponseBody, len(body), err)
	}
	body, err = fetch(NewHTTPClient(), request(t, ctx, http.MethodGet, u.String()+"/bomb"))
	if wantRefused(t, err, "more than"); len(body) > maxResponseBody {
		t.Errorf("%d bytes were read", len(body))
	}
}

// resolverOf returns a resolver whose name server knows one address for every
// name.
func resolverOf(t *testing.T, ip [4]byte) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		answerNames(server, ip)
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// answerNames answers every question until the connection is closed: with the
// address to a question for IPv4, with nothing to others.
func answerNames(server net.PacketConn, ip [4]byte) {
	const headerLen, typeA = 12, 1
	buf := make([]byte, 512)
	for {
		n, from, err := server.ReadFrom(buf)
		if err != nil {
			return
		}
		end := headerLen // of the question's name
		for buf[end] != 0 {
			end += int(buf[end]) + 1
		}
		question := buf[headerLen : end+5]
		reply := append([]byte{buf[0], buf[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, question...)
		if n > end+2 && buf[end+2] == typeA {
			reply[7] = 1 // one answer: the name asked for, type A, class IN, 60 s, 4 bytes
			reply = append(reply, 0xc0, headerLen, 0, typeA, 0, 1, 0, 0, 0, 60, 0, 4)
			reply = append(reply, ip[:]...)
		}
		if _, err := server.WriteTo(reply, from); err != nil {
			return
		}
	}
}
