package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// client talks to one host.
type client struct {
	base string
	http *http.Client
}

func newClient() *client {
	return &client{http: &http.Client{Timeout: patience, Transport: &http.Transport{}}}
}

// reply is a response, read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// send makes one request. header is names and values, one after the other.
func (c *client) send(ctx context.Context, method, path, contentType string, body io.Reader, header ...string) (reply, error) {
	res, err := c.open(ctx, method, path, contentType, body, header...)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, data}, err
}

func (c *client) open(ctx context.Context, method, path, contentType string, body io.Reader, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return c.http.Do(req)
}

// do is send for requests that must be answered.
func (c *client) do(t testing.TB, method, path, contentType string, body io.Reader) reply {
	t.Helper()
	r, err := c.send(t.Context(), method, path, contentType, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c *client) get(t testing.TB, path string) reply {
	t.Helper()
	return c.do(t, http.MethodGet, path, "", nil)
}

// sendJSON sends a value as JSON.
func (c *client) sendJSON(t testing.TB, method, path string, v any) reply {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return c.do(t, method, path, "application/json", bytes.NewReader(data))
}

// want checks the status.
func (r reply) want(t testing.TB, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// says checks that the body holds the texts.
func (r reply) says(t testing.TB, texts ...string) reply {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(string(r.body), text) {
			t.Errorf("the answer does not say %q: %s", text, r.body)
		}
	}
	return r
}

// into decodes the body.
func (r reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		t.Fatalf("read answer: %v: %s", err, r.body)
	}
}

// form is the fields of a request for a run.
type form map[string]string

// urlencoded is the form as a browser or AgentOSClient sends it.
func (f form) urlencoded() (contentType string, body io.Reader) {
	values := url.Values{}
	for name, value := range f {
		values.Set(name, value)
	}
	return "application/x-www-form-urlencoded", strings.NewReader(values.Encode())
}

// multipart is the form as Agent UI sends it.
func (f form) multipart() (contentType string, body io.Reader) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range f {
		_ = w.WriteField(name, value) // a Buffer takes everything
	}
	_ = w.Close()
	return w.FormDataContentType(), &b
}

// with returns a copy of the form with one more field.
func (f form) with(name, value string) form {
	more := form{name: value}
	for n, v := range f {
		if n != name {
			more[n] = v
		}
	}
	return more
}
