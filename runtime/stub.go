package runtime

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
)

// answerStub answers a request that was found good in place of the network.
// What the guest wrote for a secret stays as it is.
func answerStub(stub host.HTTPStub, r *http.Request) (*http.Response, error) {
	closeBody(r)
	status, body, ok := stub.Answer(r.Method, r.URL.String())
	if !ok {
		return nil, refused{fmt.Errorf("nothing is stubbed for %s %s", r.Method, clean(r.URL.String(), maxNameText))}
	}
	return &http.Response{
		StatusCode: cmp.Or(status, http.StatusOK), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}
