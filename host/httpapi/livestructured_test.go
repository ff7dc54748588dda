package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host/model/echo"
)

const movie = `{"title":"Movie","type":"object","required":["title","score"],` +
	`"properties":{"title":{"type":"string"},"score":{"type":"integer"}}}`

// TestLiveStructuredOutput: the content is the object, wherever it is shown. The
// echo answers a schema with its least value.
func TestLiveStructuredOutput(t *testing.T) {
	t.Parallel()
	l := newLive(t, echo.Model{})
	form := []string{"message=a film", "session_id=s", "output_schema=" + movie}
	const content, kind = `"content":{"score":0,"title":""},`, `"content_type":"Movie"`
	wantStream := func(stream string) {
		t.Helper()
		if strings.Count(stream, content) != 2 || strings.Count(stream, kind) != 2 || strings.Count(stream, "event: RunContent\n") != 1 {
			t.Errorf("stream %s", stream)
		}
	}
	wantStream(l.answer(t, http.StatusOK, "POST", runsPath, append(form, "run_id=r")...))
	first := l.ask(t, "POST", runsPath, append(form, "run_id=b", "background=true")...)
	l.work(t, "b")
	wantStream(readAll(t, first))
	wantStream(l.answer(t, http.StatusOK, "POST", runsPath+"/b/resume"))
	for _, id := range []string{"r", "b"} {
		got := l.poll(t, id)
		got.Input, got.Messages = nil, nil
		want := polled{
			RunID: id, Status: "COMPLETED", ContentType: "Movie", Content: map[string]any{"title": "", "score": 0.0},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("polled (-want +got):\n%s", diff)
		}
	}
	runs := l.answer(t, http.StatusOK, "GET", "/sessions/s/runs")
	if strings.Count(runs, content+`"run_response_format":"json"`) != 2 {
		t.Errorf("runs %s", runs)
	}
	said := `"content":"{\"score\":0,\"title\":\"\"}"`
	for path, want := range map[string]int{
		"/sessions/s": 2, "/sessions/s/runs": 2, "/sessions/s/runs/b": 1, runsPath + "/r?session_id=s": 1,
	} {
		if body := l.answer(t, http.StatusOK, "GET", path); strings.Count(body, said) != want {
			t.Errorf("%s: %d messages of text, want %d: %s", path, strings.Count(body, said), want, body)
		}
	}
	plain := append(form, "use_json_schema=true", "stream=false")
	if body := l.answer(t, http.StatusOK, "POST", runsPath, plain...); !strings.Contains(body, `"content_type":"dict"`) {
		t.Errorf("answer %s", body)
	}
}

// TestLiveSchemaThatIsNone: the field is named, and nothing was begun.
func TestLiveSchemaThatIsNone(t *testing.T) {
	t.Parallel()
	l := newLive(t, echo.Model{})
	for _, background := range []string{"false", "true"} {
		body := l.answer(t, http.StatusUnprocessableEntity, "POST", runsPath,
			"message=hi", "background="+background, "run_id=r", `output_schema={"type":"nothing"}`)
		if !strings.Contains(body, `"loc":["body","output_schema"]`) {
			t.Errorf("answer %s", body)
		}
		l.answer(t, http.StatusNotFound, "GET", runsPath+"/r?session_id=s")
	}
}
