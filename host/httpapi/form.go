package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
)

const (
	// maxForm is the size of a form in bytes, maxFields how many fields it has.
	maxForm   = 10 << 20
	maxFields = 100
)

// form is the fields of a form by name. A field is given once.
type form map[string]field

// field is one field of a form.
type field struct {
	text string
	// file is true for a file; its bytes are not read.
	file bool
}

// The encodings of a form.
const (
	urlEncoded = "application/x-www-form-urlencoded"
	multiPart  = "multipart/form-data"
)

// mediaType returns the type of a request's body, "" when it names none.
func mediaType(r *http.Request) (name string, params map[string]string) {
	name, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", nil
	}
	return name, params
}

// readForm reads a form of either encoding. Any other body has no fields, as in
// AgentOS.
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	f := form{}
	var err error
	switch name, params := mediaType(r); name {
	case urlEncoded:
		err = withBody(w, r, maxForm, f.readURLEncoded)
	case multiPart:
		err = withBody(w, r, maxForm, func(body io.Reader) error {
			return f.readMultipart(body, params["boundary"])
		})
	}
	return f, err
}

// readURLEncoded reads key=value pairs. A semicolon is a character like any
// other: people type it unescaped.
func (f form) readURLEncoded(body io.Reader) error {
	data, err := io.ReadAll(body)
	if err != nil {
		return unreadable("form", err)
	}
	for pair := range strings.SplitSeq(string(data), "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(name)
		value, valueErr := url.QueryUnescape(value)
		if err := errors.Join(nameErr, valueErr); err != nil {
			return unreadable("form", err)
		}
		if err := f.add(name, field{text: value}); err != nil {
			return err
		}
	}
	return nil
}

func (f form) readMultipart(body io.Reader, boundary string) error {
	if boundary == "" {
		return unreadable("form", errors.New("no boundary"))
	}
	parts := multipart.NewReader(body, boundary)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return drain(body)
		}
		if err != nil {
			return unreadable("form", err)
		}
		if err := f.addPart(part); err != nil {
			return err
		}
	}
}

// addPart adds a part. A file without name and content is a file input nobody
// used.
func (f form) addPart(part *multipart.Part) error {
	if !isFile(part) {
		text, err := io.ReadAll(part)
		if err != nil {
			return unreadable("form", err)
		}
		return f.add(part.FormName(), field{text: string(text)})
	}
	size, err := io.Copy(io.Discard, part)
	if err != nil {
		return unreadable("form", err)
	}
	if size == 0 && part.FileName() == "" {
		return nil
	}
	return f.add(part.FormName(), field{file: true})
}

// isFile reports whether a part has a file name, be it empty.
func isFile(part *multipart.Part) bool {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	_, named := params["filename"]
	return err == nil && named
}

// drain reads what follows the last part, so that the server notices when the
// client leaves.
func drain(body io.Reader) error {
	if _, err := io.Copy(io.Discard, body); err != nil {
		return unreadable("form", err)
	}
	return nil
}

func (f form) add(name string, value field) error {
	switch _, repeated := f[name]; {
	case name == "" || !utf8.ValidString(name):
		return host.Errorf(host.CodeInvalid, "The form has a field without a name in UTF-8")
	case repeated:
		return formError(name, "repeated", "Field given more than once")
	case len(f) == maxFields:
		return host.Errorf(host.CodeInvalid, "The form has more than %d fields", maxFields)
	case !utf8.ValidString(value.text):
		return formError(name, "string_unicode", "Input should be valid UTF-8")
	}
	f[name] = value
	return nil
}

// formError is a single wrong field.
func formError(name, kind, format string, args ...any) error {
	return &fieldErrors{list: []fieldError{
		{Type: kind, Loc: []string{"body", cut(name)}, Msg: fmt.Sprintf(format, args...)},
	}}
}
