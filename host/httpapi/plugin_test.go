package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// uploadBody builds an upload of parts; a name that begins with @ is a file.
func uploadBody(t *testing.T, parts ...[2]string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range parts {
		create := w.CreateFormField
		name, isFile := strings.CutPrefix(part[0], "@")
		if isFile {
			create = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "x.bin") }
		}
		into, err := create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(into, part[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

func TestInstallPlugin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		created bool
		status  int
		parts   [][2]string
	}{
		"new, as files":    {true, http.StatusCreated, [][2]string{{"@manifest", "m"}, {"@module", "\x00asm"}}},
		"known, as values": {false, http.StatusOK, [][2]string{{"module", "\x00asm"}, {"manifest", "m"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{plugins: fakePlugins{created: tc.created}}
			contentType, body := uploadBody(t, tc.parts...)
			w := f.ask(t, http.MethodPost, "/plugins", contentType, body)
			if w.Code != tc.status {
				t.Errorf("status %d, want %d", w.Code, tc.status)
			}
			golden(t, "plugin.json", w.Body.String())
			if f.plugins.manifest != "m" || string(f.plugins.module) != "\x00asm" {
				t.Errorf("installed %q and %q", f.plugins.manifest, f.plugins.module)
			}
		})
	}
}

func TestInstallPluginTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	f := fixture{plugins: fakePlugins{err: &host.Error{
		Code: host.CodeInvalid, Field: "manifest", Message: "the plugin is refused", Err: errors.New("cause"),
		Problems: []host.Problem{
			{Path: "hooks[0].point", Line: 4, Message: "is unknown"}, {Path: "name", Message: "is missing"},
			{Message: "c"}, {Message: "d"},
		},
	}}}
	contentType, body := uploadBody(t, [2]string{"manifest", "m"}, [2]string{"module", "x"})
	wantAnswer(t, f.ask(t, http.MethodPost, "/plugins", contentType, body), http.StatusUnprocessableEntity,
		`{"detail":"manifest: the plugin is refused: line 4: hooks[0].point: is unknown; name: is missing; c; and 1 more",`+
			`"error_id":"invalid","error_type":"request_error","problems":[`+
			`{"path":"hooks[0].point","line":4,"message":"is unknown"},{"path":"name","message":"is missing"},`+
			`{"message":"c"},{"message":"d"}]}`)
}

func TestInstallPluginRefusesBadUploads(t *testing.T) {
	t.Parallel()
	manifest, module := [2]string{"manifest", "m"}, [2]string{"module", "x"}
	for name, tc := range map[string]struct {
		parts  [][2]string
		status int
		detail string
	}{
		"no module":   {[][2]string{manifest}, 422, "The upload is not complete: module: is missing"},
		"no manifest": {[][2]string{module}, 422, "The upload is not complete: manifest: is missing"},
		"nothing":     {nil, 422, "The upload is not complete: manifest: is missing; module: is missing"},
		"repeated":    {[][2]string{module, module}, 422, "module: is given more than once"},
		"unknown part": {
			[][2]string{{"grant", "http"}}, 422, "grant: is unknown: an upload has the parts manifest and module",
		},
		"large manifest": {
			[][2]string{{"manifest", strings.Repeat("x", 64<<10+1)}}, 413, "manifest: is larger than 64KiB",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			contentType, body := uploadBody(t, tc.parts...)
			wantDetail(t, f.ask(t, http.MethodPost, "/plugins", contentType, body), tc.status, tc.detail)
			if f.plugins.module != nil {
				t.Error("a plugin was installed")
			}
		})
	}
	t.Run("cut off", func(t *testing.T) {
		t.Parallel()
		f := fixture{}
		contentType, body := uploadBody(t, manifest, module)
		w := f.ask(t, http.MethodPost, "/plugins", contentType, body[:len(body)-10])
		wantDetail(t, w, 422, "The upload could not be read")
	})
	for _, contentType := range []string{"", "application/json", urlEncoded, multiPart} {
		t.Run("type "+contentType, func(t *testing.T) {
			t.Parallel()
			f := fixture{}
			wantDetail(t, f.ask(t, http.MethodPost, "/plugins", contentType, "x"), 415,
				"The Content-Type must be multipart/form-data with a boundary")
		})
	}
}

// TestInstallPluginRefusesAHundredMegabytes sends them over a real connection,
// from a reader that holds none of them.
func TestInstallPluginRefusesAHundredMegabytes(t *testing.T) {
	t.Parallel()
	f := fixture{}
	srv := f.server(t)
	body := io.MultiReader(
		strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"module\"; filename=\"m\"\r\n\r\n"),
		io.LimitReader(zeros{}, 100<<20),
		strings.NewReader("\r\n--x--\r\n"),
	)
	resp, err := srv.Client().Post(srv.URL+"/plugins", multiPart+"; boundary=x", body)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"detail":"module: is larger than 16MiB","error_id":"too_large","error_type":"request_error"}`
	if got := readAll(t, resp); resp.StatusCode != http.StatusRequestEntityTooLarge || got != want {
		t.Errorf("answer %d %s, want 413 %s", resp.StatusCode, got, want)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestListPlugins(t *testing.T) {
	t.Parallel()
	f := fixture{}
	for _, version := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		f.plugins.plugins = append(f.plugins.plugins, aPlugin(version))
	}
	for query, tc := range map[string]struct {
		versions []string
		meta     string
	}{
		"":                  {[]string{"1.0.0", "1.1.0", "1.2.0"}, `{"page":1,"limit":20,"total_pages":1,"total_count":3,"search_time_ms":0}`},
		"?limit=2&page=2":   {[]string{"1.2.0"}, `{"page":2,"limit":2,"total_pages":2,"total_count":3,"search_time_ms":0}`},
		"?limit=3":          {[]string{"1.0.0", "1.1.0", "1.2.0"}, `{"page":1,"limit":3,"total_pages":1,"total_count":3,"search_time_ms":0}`},
		"?page=1000000000":  {nil, `{"page":1000000000,"limit":20,"total_pages":1,"total_count":3,"search_time_ms":0}`},
		"?limit=1000&page=": {[]string{"1.0.0", "1.1.0", "1.2.0"}, `{"page":1,"limit":1000,"total_pages":1,"total_count":3,"search_time_ms":0}`},
		"?limit=3&page=0":   {[]string{"1.0.0", "1.1.0", "1.2.0"}, `{"page":1,"limit":3,"total_pages":1,"total_count":3,"search_time_ms":0}`},
	} {
		var body struct {
			Data []struct{ Version string }
			Meta json.RawMessage
		}
		w := f.get(t, "/plugins"+query)
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		var versions []string
		for _, p := range body.Data {
			versions = append(versions, p.Version)
		}
		if diff := cmp.Diff(tc.versions, versions); diff != "" || string(body.Meta) != tc.meta {
			t.Errorf("%s: meta %s, versions (-want +got):\n%s", query, body.Meta, diff)
		}
	}
}

func TestListPluginsRefusesBadPages(t *testing.T) {
	t.Parallel()
	f := fixture{}
	wantAnswer(t, f.get(t, "/plugins?limit=0&page=x"), http.StatusUnprocessableEntity,
		`{"detail":[{"type":"greater_than_equal","loc":["query","limit"],`+
			`"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}},`+
			`{"type":"int_parsing","loc":["query","page"],`+
			`"msg":"Input should be a valid integer, unable to parse string as an integer","input":"x"}],`+
			`"error_id":"invalid","error_type":"request_error"}`)
	for query, msg := range map[string]string{
		"limit=1001": "less than or equal to 1000", "limit=-1": "greater than or equal to 1",
		"page=1000000001": "less than or equal to 1000000000", "page=-1": "greater than or equal to 0",
		"page=9223372036854775808": "a valid integer",
	} {
		if w := f.get(t, "/plugins?"+query); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), msg) {
			t.Errorf("%s: answer %d %s, want 422 and %q", query, w.Code, w.Body, msg)
		}
	}
}

func TestShowPlugin(t *testing.T) {
	t.Parallel()
	active := aPlugin("1.1.0")
	active.Active, active.Grants = true, []pluginapi.Permission{pluginapi.PermissionHTTP}
	f := fixture{plugins: fakePlugins{plugins: []host.Plugin{aPlugin("1.0.0"), active}}}
	golden(t, "plugin-versions.json", f.get(t, "/plugins/pii-guard").Body.String())
	golden(t, "plugin.json", f.get(t, "/plugins/pii-guard/1.0.0").Body.String())
	wantDetail(t, f.get(t, "/plugins/nope"), 404, `no plugin "nope" is installed`)
	wantDetail(t, f.get(t, "/plugins/pii-guard/9"), 404, `the plugin "pii-guard" has no version "9"`)
}

func TestActivatePlugin(t *testing.T) {
	t.Parallel()
	f := fixture{}
	w := f.ask(t, http.MethodPost, "/plugins/pii-guard/1.0.0%2Babc/activate",
		"application/json; charset=utf-8", `{"grant":["http","kv"]}`)
	var body struct {
		Name, Version, Status string
		Grants                []pluginapi.Permission
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	want := body
	want.Name, want.Version, want.Status = "pii-guard", "1.0.0+abc", "active"
	want.Grants = []pluginapi.Permission{"http", "kv"}
	if diff := cmp.Diff(want, body); diff != "" || w.Code != http.StatusOK {
		t.Errorf("status %d, body (-want +got):\n%s", w.Code, diff)
	}
	if diff := cmp.Diff([]string{"end pii-guard"}, f.jobs.asked); diff != "" {
		t.Errorf("quarantines (-want +got):\n%s", diff)
	}
	if f.plugins.forced {
		t.Error("forced without being asked to")
	}
	f.ask(t, http.MethodPost, "/plugins/pii-guard/1.0.0/activate?force=true", "application/json", `{}`)
	if !f.plugins.forced {
		t.Error("not forced")
	}
	w = f.ask(t, http.MethodPost, "/plugins/pii-guard/1.0.0/activate?force=maybe", "application/json", `{}`)
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `"loc":["query","force"]`) {
		t.Errorf("force=maybe: answer %d %s", w.Code, w.Body)
	}
}

func TestRemovePlugin(t *testing.T) {
	t.Parallel()
	const path = "/plugins/pii-guard/1.0.0%2Babc"
	f := fixture{}
	w := f.ask(t, http.MethodPost, path+"/deactivate", "", "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"status":"inactive"`) {
		t.Errorf("deactivate: answer %d %s", w.Code, w.Body)
	}
	wantAnswer(t, f.ask(t, http.MethodDelete, path+"?force=false", "", ""), http.StatusNoContent, "")
	f.ask(t, http.MethodPost, path+"/deactivate?force=true", "", "")
	f.ask(t, http.MethodDelete, path+"?force=true", "", "")
	for method, path := range map[string]string{http.MethodPost: path + "/deactivate?force=maybe", http.MethodDelete: path + "?force=2"} {
		w := f.ask(t, method, path, "", "")
		if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `"loc":["query","force"]`) {
			t.Errorf("%s %s: answer %d %s", method, path, w.Code, w.Body)
		}
	}
	want := []string{
		"deactivate pii-guard 1.0.0+abc false", "delete pii-guard 1.0.0+abc false",
		"deactivate pii-guard 1.0.0+abc true", "delete pii-guard 1.0.0+abc true",
	}
	if diff := cmp.Diff(want, f.plugins.removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if want := []string{"end pii-guard", "end pii-guard"}; !slices.Equal(want, f.jobs.asked) {
		t.Errorf("nothing is left of the plugin but its quarantine: %v", f.jobs.asked)
	}
	left := fixture{plugins: fakePlugins{plugins: []host.Plugin{aPlugin("2.0.0")}}}
	left.ask(t, http.MethodDelete, path, "", "")
	if left.jobs.asked != nil {
		t.Errorf("the quarantine of another version was ended")
	}
}

func TestRemovePluginListsItsBindings(t *testing.T) {
	t.Parallel()
	f := fixture{plugins: fakePlugins{err: &host.Error{
		Code: host.CodeConflict, Message: "the plugin pii-guard 1.0.0 is bound",
		Problems: []host.Problem{{Path: "hooks[0]", Message: "bound over the API"}},
	}}}
	const want = `{"detail":"the plugin pii-guard 1.0.0 is bound: hooks[0]: bound over the API",` +
		`"error_id":"conflict","error_type":"request_error","problems":[{"path":"hooks[0]","message":"bound over the API"}]}`
	wantAnswer(t, f.ask(t, http.MethodDelete, "/plugins/pii-guard/1.0.0", "", ""), http.StatusConflict, want)
	wantAnswer(t, f.ask(t, http.MethodPost, "/plugins/pii-guard/1.0.0/deactivate", "", ""), http.StatusConflict, want)
}

// slowPlugins installs when it is told to.
type slowPlugins struct {
	fakePlugins
	release    chan struct{}
	installing atomic.Int32
}

func (p *slowPlugins) Install(context.Context, []byte, []byte) (plugin.Installed, error) {
	p.installing.Add(1)
	<-p.release
	return plugin.Installed{Plugin: aPlugin("1.0.0")}, nil
}

// However many uploads come at once, few of them are held in memory.
func TestInstallPluginsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plugins := &slowPlugins{release: make(chan struct{})}
		var f fixture
		f.handler(t)
		f.config.Plugins = plugins
		h, err := New(f.config)
		if err != nil {
			t.Fatal(err)
		}
		contentType, body := uploadBody(t, [2]string{"manifest", "m"}, [2]string{"module", "x"})
		statuses := make(chan int, 10)
		upload := func(ctx context.Context, length int64) {
			r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1/plugins", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			r.ContentLength = length
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			statuses <- w.Code
		}
		for range 6 {
			go upload(t.Context(), -1) // may become as large as any
		}
		synctest.Wait()
		if n := plugins.installing.Load(); n != 4 {
			t.Errorf("%d large uploads at once", n)
		}
		leaving, leave := context.WithCancel(t.Context())
		go upload(leaving, -1)
		synctest.Wait()
		leave()
		if status := <-statuses; status != http.StatusServiceUnavailable {
			t.Errorf("the one who left: status %d", status)
		}
		close(plugins.release)
		for range 6 {
			if status := <-statuses; status != http.StatusOK {
				t.Errorf("status %d", status)
			}
		}
		plugins.release = make(chan struct{})
		for range 50 {
			go func() { upload(t.Context(), int64(len(body))) }()
		}
		synctest.Wait()
		if n := plugins.installing.Load(); n != 56 {
			t.Errorf("%d small uploads at once", n-6)
		}
		close(plugins.release)
		for range 50 {
			<-statuses
		}
	})
}
