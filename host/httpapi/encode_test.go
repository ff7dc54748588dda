package httpapi

import (
	"encoding/json"
	"testing"
)

func TestEncodeJSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value any
		want  string
	}{
		"html":            {"<a> & é", `"<a> & é"`},
		"escaped before":  {json.RawMessage(`"\u003ca\u003e \u0026 \u00e9 \n"`), `"<a> & \u00e9 \n"`},
		"escaped escape":  {json.RawMessage(`"\\u003c \\\u003c \\"`), `"\\u003c \\< \\"`},
		"raw is compact":  {json.RawMessage("{\n \"a\": 1\n}"), `{"a":1}`},
		"control escaped": {"a\nb", `"a\nb"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := encodeJSON(tc.value)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	got := oneLine([]byte("\"a\u0085b\u2028c\u2029d é\""))
	if want := `"a\u0085b\u2028c\u2029d é"`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
