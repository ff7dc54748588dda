package yamldoc_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/yamldoc"
)

type item struct {
	Name  string          `json:"name"`
	Count int             `json:"count"`
	Any   json.RawMessage `json:"any"`
}

func TestDecode(t *testing.T) {
	t.Parallel()
	const text = "- {name: one, any: {a: [1.50, null]}}\n- name: two\n  count: many\n  nmae: x\n"
	var items []item
	doc, err := yamldoc.Decode([]byte(text), &items)
	if err != nil {
		t.Fatal(err)
	}
	want := []item{{Name: "one", Any: json.RawMessage(`{"a":[1.50,null]}`)}, {Name: "two"}}
	if diff := cmp.Diff(want, items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	doc.Add(
		host.Problem{Path: "[1].count", Message: "follows from what is known"},
		host.Problem{Path: "[0].name", Message: "is taken"},
	)
	wantProblems := []host.Problem{
		{Path: "[0].name", Line: 1, Message: "is taken"},
		{Path: "[1].count", Line: 3, Message: "must be a number, not text"},
		{Path: "[1].nmae", Line: 4, Message: "unknown key; known are name, count, any"},
	}
	if diff := cmp.Diff(wantProblems, doc.Problems()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Nothing more is said of a document that cannot be read.
func TestAddToNoDocument(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a: [", "\xff"} {
		var items []item
		doc, err := yamldoc.Decode([]byte(text), &items)
		if err != nil {
			t.Fatal(err)
		}
		doc.Add(host.Problem{Message: "has no items"}, host.Problem{Path: "[0].name", Message: "is missing"})
		if got := doc.Problems(); len(got) != 1 || items != nil {
			t.Errorf("%q: items %v, problems %v", text, items, got)
		}
	}
}

func ExampleDecode() {
	var settings struct {
		Name string `json:"name"`
	}
	doc, err := yamldoc.Decode([]byte("name: [a]\ncolour: red\n"), &settings)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range doc.Problems() {
		fmt.Println(p)
	}
	// Output:
	// line 1: name: must be text, not a list
	// line 2: colour: unknown key; known are name
}

// FuzzDecode checks that any document can be read, and that what is wrong with it
// has words.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("- {name: a, count: 1, any: {b: [1e3]}}\n"))
	f.Add([]byte("- &a {name: *a}\n- ? b\n--- |\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var items []item
		doc, err := yamldoc.Decode(data, &items)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range doc.Problems() {
			if p.Message == "" {
				t.Errorf("a problem says nothing: %+v", p)
			}
		}
	})
}
