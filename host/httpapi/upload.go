package httpapi

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// maxUpload bounds the whole body of an upload. It leaves room to read past a
// part that is too large, so that the answer can name the part.
const maxUpload = 128 << 20

// uploadPart is a part of an upload, and how large it may be.
type uploadPart struct {
	name  string
	limit pluginapi.Size
}

// uploadParts are the parts an upload has, as files or as values.
var uploadParts = []uploadPart{{"manifest", 64 << 10}, {"module", 16 << 20}}

// upload is the parts of a plugin, by name.
type upload map[string][]byte

// maxUploads bounds what all uploads hold together, in bytes: some of the largest
// or many small ones.
const maxUploads = 4 * maxParts

// maxParts is the most one upload holds, in bytes.
const maxParts = 16<<20 + 64<<10

// admitUpload waits until there is room for an upload, which counts as large as
// it says it is. The caller calls leave when it holds nothing of it any more.
func (a *api) admitUpload(r *http.Request) (leave func(), err error) {
	size := int64(maxParts)
	if r.ContentLength >= 0 {
		size = min(size, r.ContentLength)
	}
	if err := a.uploads.Acquire(r.Context(), size); err != nil {
		return nil, err
	}
	return func() { a.uploads.Release(size) }, nil
}

// readUpload reads an upload part by part; no more than the parts' limits are
// ever held.
func readUpload(w http.ResponseWriter, r *http.Request) (upload, error) {
	name, params := mediaType(r)
	if name != multiPart || params["boundary"] == "" {
		return nil, unsupportedMediaType("The Content-Type must be multipart/form-data with a boundary")
	}
	u := upload{}
	err := withBody(w, r, maxUpload, func(body io.Reader) error {
		return u.read(multipart.NewReader(body, params["boundary"]))
	})
	if err != nil {
		return nil, err
	}
	return u, u.checkComplete()
}

func (u upload) read(parts *multipart.Reader) error {
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable("upload", err)
		}
		if err := u.add(part); err != nil {
			return err
		}
	}
}

func (u upload) add(part *multipart.Part) error {
	for _, known := range uploadParts {
		if known.name != part.FormName() {
			continue
		}
		if _, repeated := u[known.name]; repeated {
			return host.Invalid(known.name, "is given more than once")
		}
		data, err := known.read(part)
		u[known.name] = data
		return err
	}
	return host.Invalid(cut(part.FormName()), "is unknown: an upload has the parts manifest and module")
}

func (p uploadPart) read(part io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(part, int64(p.limit)+1))
	if err != nil {
		return nil, unreadable("upload", err)
	}
	if len(data) > int(p.limit) {
		return nil, &host.Error{Code: host.CodeTooLarge, Field: p.name, Message: "is larger than " + p.limit.String()}
	}
	return data, nil
}

func (u upload) checkComplete() error {
	var problems []host.Problem
	for _, part := range uploadParts {
		if _, given := u[part.name]; !given {
			problems = append(problems, host.Problem{Path: part.name, Message: "is missing"})
		}
	}
	if len(problems) > 0 {
		return &host.Error{Code: host.CodeInvalid, Message: "The upload is not complete", Problems: problems}
	}
	return nil
}
