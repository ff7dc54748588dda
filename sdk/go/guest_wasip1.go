//go:build wasip1

package snaphook

import (
	"fmt"

	pdk "github.com/extism/go-pdk"
)

// guest is the inside of a Wasm plugin: it talks to the host through Extism's
// PDK, of which trace logging is left out since v1.1.3 binds it to log_error.
type guest struct{}

var _ Host = guest{}

func (guest) input() []byte { return pdk.Input() }

func (guest) output(verdict []byte) { pdk.Output(verdict) }

func (guest) fail(message string) { pdk.SetErrorString(message) }

// Log implements Host.
func (guest) Log(level Level, line string) {
	switch level {
	case LevelError:
		pdk.Log(pdk.LogError, line)
	case LevelWarn:
		pdk.Log(pdk.LogWarn, line)
	default:
		pdk.Log(pdk.LogInfo, line)
	}
}

// Send implements Host.
func (guest) Send(request Request) (Response, error) {
	method, err := httpMethod(request.Method)
	if err != nil {
		return Response{}, err
	}
	message := pdk.NewHTTPRequest(method, request.URL)
	for name, value := range request.Header {
		message.SetHeader(name, value)
	}
	response := message.SetBody(request.Body).Send()
	return Response{
		Status: int(response.Status()),
		Header: response.Headers(),
		Body:   response.Body(),
	}, nil
}

func httpMethod(name string) (pdk.HTTPMethod, error) {
	for _, method := range []pdk.HTTPMethod{
		pdk.MethodGet, pdk.MethodHead, pdk.MethodPost, pdk.MethodPut,
		pdk.MethodPatch, pdk.MethodDelete, pdk.MethodOptions,
	} {
		if method.String() == name {
			return method, nil
		}
	}
	return 0, fmt.Errorf("method %q is not known", name)
}
