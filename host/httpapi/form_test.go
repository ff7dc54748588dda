package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
)

// oneField is the 422 for one wrong field.
func oneField(kind, name, msg, input string) string {
	return fmt.Sprintf(`{"detail":[{"type":%q,"loc":["body",%q],"msg":%q,"input":%s}],`+
		`"error_id":"invalid","error_type":"request_error"}`, kind, name, msg, input)
}

func plain(detail string) string {
	return fmt.Sprintf(`{"detail":%q,"error_id":"invalid","error_type":"request_error"}`, detail)
}

func TestCreateRunRefusesBadForms(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, want string }{
		"no message":         {"stream=false", oneField("missing", "message", "Field required", "null")},
		"empty":              {"", oneField("missing", "message", "Field required", "null")},
		"stream":             {"message=x&stream=maybe", oneField("bool_parsing", "stream", "Input should be a valid boolean, unable to interpret input", `"maybe"`)},
		"stream_events":      {"message=x&stream_events=2", oneField("bool_parsing", "stream_events", "Input should be a valid boolean, unable to interpret input", `"2"`)},
		"debug_mode":         {"message=x&debug_mode=2", oneField("bool_parsing", "debug_mode", "Input should be a valid boolean, unable to interpret input", `"2"`)},
		"state not JSON":     {"message=x&session_state={", oneField("json_invalid", "session_state", "Input should be valid JSON", `"{"`)},
		"state not object":   {"message=x&session_state=[1]", oneField("dict_type", "session_state", "Input should be a JSON object", `"[1]"`)},
		"state null":         {"message=x&session_state=null", oneField("dict_type", "session_state", "Input should be a JSON object", `"null"`)},
		"dependencies":       {"message=x&dependencies=3", oneField("dict_type", "dependencies", "Input should be a JSON object", `"3"`)},
		"metadata twice":     {`message=x&metadata={"a":{"b":1,"b":2}}`, oneField("json_invalid", "metadata", "a.b is given more than once", "null")},
		"long id":            {"message=x&session_id=" + strings.Repeat("é", 129), oneField("string_too_long", "session_id", "Input should have at most 256 bytes", "null")},
		"control in id":      {"message=x&run_id=a%0Ab", oneField("string_control", "run_id", "Input should have no control characters", "null")},
		"control in user":    {"message=x&user_id=%00", oneField("string_control", "user_id", "Input should have no control characters", "null")},
		"not UTF-8":          {"message=%ff", oneField("string_unicode", "message", "Input should be valid UTF-8", "null")},
		"repeated":           {"message=x&message=y", oneField("repeated", "message", "Field given more than once", "null")},
		"repeated argument":  {"message=x&tone=a&tone=b", oneField("repeated", "tone", "Field given more than once", "null")},
		"background":         {"message=x&background=2", oneField("bool_parsing", "background", "Input should be a valid boolean, unable to interpret input", `"2"`)},
		"use_json_schema":    {"message=x&use_json_schema=2", oneField("bool_parsing", "use_json_schema", "Input should be a valid boolean, unable to interpret input", `"2"`)},
		"schema not JSON":    {"message=x&output_schema={", oneField("json_invalid", "output_schema", "Input should be valid JSON", `"{"`)},
		"schema not object":  {"message=x&output_schema=true", oneField("dict_type", "output_schema", "Input should be a JSON object", `"true"`)},
		"schema too long":    {"message=x&output_schema={}" + strings.Repeat("+", maxSchema), oneField("string_too_long", "output_schema", "Input should have at most 65536 bytes", "null")},
		"schema member":      {`message=x&output_schema={"type":"object","type":"string"}`, oneField("json_invalid", "output_schema", "type is given more than once", "null")},
		"images":             {"message=x&images=[]", oneField("not_available", "images", "Not available yet", "null")},
		"audio":              {"message=x&audio=[]", oneField("not_available", "audio", "Not available yet", "null")},
		"videos":             {"message=x&videos=[]", oneField("not_available", "videos", "Not available yet", "null")},
		"files":              {"message=x&files=a", oneField("not_available", "files", "Not available yet", "null")},
		"input_files":        {"message=x&input_files=[]", oneField("not_available", "input_files", "Not available yet", "null")},
		"bad escape":         {"message=%zz", plain("The form could not be read")},
		"field without name": {"=x", plain("The form has a field without a name in UTF-8")},
		"name not UTF-8":     {"%ff=x", plain("The form has a field without a name in UTF-8")},
		"too many fields":    {manyFields(), plain("The form has more than 100 fields")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			wantAnswer(t, f.run(t, tc.body), http.StatusUnprocessableEntity, tc.want)
			if len(f.engine.asked) != 0 {
				t.Error("a run was begun")
			}
		})
	}
}

func manyFields() string {
	var b strings.Builder
	for i := range maxFields + 1 {
		fmt.Fprintf(&b, "f%d=&", i)
	}
	return b.String()
}

func TestCreateRunReportsAllFieldsAtOnce(t *testing.T) {
	t.Parallel()
	f := fixture{}
	w := f.run(t, "stream=x&metadata=1&background=x")
	var body struct{ Detail []fieldError }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range body.Detail {
		got = append(got, e.Loc[1])
	}
	if diff := cmp.Diff([]string{"background", "stream", "message", "metadata"}, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

func TestCreateRunRefusesOtherBodies(t *testing.T) {
	t.Parallel()
	want := strings.TrimSuffix(oneField("missing", "message", "Field required", "null"), "}") +
		`,"hint":"Send a form: application/x-www-form-urlencoded or multipart/form-data"}`
	for _, contentType := range []string{"", "application/json", "text/plain", ";"} {
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			w := f.ask(t, http.MethodPost, "/agents/plain-agent/runs", contentType, `{"message":"x"}`)
			wantAnswer(t, w, http.StatusUnprocessableEntity, want)
		})
	}
}

func TestCreateRunRefusesBrokenMultipart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ contentType, body string }{
		"no boundary": {multiPart, "--x\r\n"},
		"cut off":     {multiPart + "; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			w := f.ask(t, http.MethodPost, "/agents/plain-agent/runs", tc.contentType, tc.body)
			wantDetail(t, w, http.StatusUnprocessableEntity, "The form could not be read")
		})
	}
}

func TestCreateRunRefusesFiles(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"files", "message", "anything"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			w := multipart.NewWriter(&b)
			if name != "message" {
				_ = w.WriteField("message", "hi")
			}
			part, err := w.CreateFormFile(name, "a.txt")
			if err != nil {
				t.Fatal(err)
			}
			_, _ = part.Write([]byte("bytes"))
			_ = w.Close()
			f := fixture{}
			got := f.ask(t, http.MethodPost, "/agents/plain-agent/runs", w.FormDataContentType(), b.String())
			wantAnswer(t, got, http.StatusUnprocessableEntity,
				oneField("not_available", name, "Files are not available yet", "null"))
		})
	}
}

func TestCreateRunTakesAnUnusedFileInputForNothing(t *testing.T) {
	t.Parallel()
	body := "--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhi\r\n" +
		"--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\"\r\n" +
		"Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n"
	f := fixture{}
	w := f.ask(t, http.MethodPost, "/agents/plain-agent/runs", multiPart+"; boundary=x", body)
	if w.Code != http.StatusOK {
		t.Errorf("answer %d %s", w.Code, w.Body)
	}
}

func TestCreateRunRefusesLargeForms(t *testing.T) {
	t.Parallel()
	f := fixture{}
	w := f.run(t, "message="+strings.Repeat("x", maxForm))
	wantAnswer(t, w, http.StatusRequestEntityTooLarge,
		`{"detail":"The body is larger than 10MiB","error_id":"too_large","error_type":"request_error"}`)
}

func FuzzForm(f *testing.F) {
	f.Add(urlEncoded, []byte("message=hi&stream=false&a=b"))
	f.Add(urlEncoded, []byte("message=%ff&session_state={\"a\":1}&&=;"))
	f.Add(multiPart+"; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nhi\r\n--x--\r\n"))
	f.Add(multiPart+"; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\r\n\r\n--x--"))
	f.Add("application/json", []byte(`{"message":"x"}`))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/agents/plain-agent/runs", bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		fields, err := readForm(httptest.NewRecorder(), r)
		var asked runForm
		if err == nil {
			asked, err = decodeRunForm(fields)
		}
		if err != nil {
			if status, _ := describe(err); status >= http.StatusInternalServerError {
				t.Fatalf("bad input is the host's fault: %v", err)
			}
			return
		}
		checkRequest(t, asked.request)
	})
}

// checkRequest checks what an engine may rely on.
func checkRequest(t *testing.T, req host.RunRequest) {
	t.Helper()
	var message string
	if err := json.Unmarshal(req.Input, &message); err != nil {
		t.Errorf("input %q: %v", req.Input, err)
	}
	for _, object := range []json.RawMessage{
		req.SessionState, req.Dependencies, req.Metadata, req.Arguments, req.OutputSchema,
	} {
		var members map[string]json.RawMessage
		if object == nil {
			continue
		}
		if err := json.Unmarshal(object, &members); err != nil || members == nil {
			t.Errorf("object %q: %v", object, err)
		}
	}
	for _, id := range []string{req.RunID, req.SessionID, req.UserID} {
		if len(id) > maxID {
			t.Errorf("id of %d bytes", len(id))
		}
	}
}
