package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// queryDecoder reads parameters of a query and collects what is wrong with them.
// A parameter that is empty counts as absent; one nobody asks for is not looked
// at.
type queryDecoder struct {
	values url.Values
	wrong  []fieldError
}

func newQueryDecoder(r *http.Request) *queryDecoder { return &queryDecoder{values: r.URL.Query()} }

// err is everything that was wrong, or nil.
func (d *queryDecoder) err() error {
	if d.wrong == nil {
		return nil
	}
	return &fieldErrors{list: d.wrong}
}

func (d *queryDecoder) fail(name, kind, msg, input string, limits any) {
	short := cut(input)
	d.wrong = append(d.wrong, fieldError{
		Type: kind, Loc: []string{"query", name}, Msg: msg, Input: &short, Ctx: limits,
	})
}

func (d *queryDecoder) text(name string) string { return d.values.Get(name) }

// required is a parameter that must be there, be it empty.
func (d *queryDecoder) required(name string) string {
	if !d.values.Has(name) {
		d.wrong = append(d.wrong, missingField("query", name))
	}
	return d.values.Get(name)
}

// integer is a whole number from least to most.
func (d *queryDecoder) integer(name string, absent, least, most int64) int64 {
	text := d.values.Get(name)
	if text == "" {
		return absent
	}
	value, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		d.fail(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", text, nil)
	case value < least:
		d.fail(name, "greater_than_equal", fmt.Sprintf("Input should be greater than or equal to %d", least), text,
			map[string]int64{"ge": least})
	case value > most:
		d.fail(name, "less_than_equal", fmt.Sprintf("Input should be less than or equal to %d", most), text,
			map[string]int64{"le": most})
	}
	return value
}

func (d *queryDecoder) bool(name string) bool {
	text := d.values.Get(name)
	if text == "" {
		return false
	}
	value, ok := parseBool(text)
	if !ok {
		d.fail(name, "bool_parsing", "Input should be a valid boolean, unable to interpret input", text, nil)
	}
	return value
}

// oneOf is a parameter with few values, absent when it is not given.
func oneOf[T ~string](d *queryDecoder, name string, absent T, allowed ...T) T {
	text := d.values.Get(name)
	switch {
	case text == "":
		return absent
	case !slices.Contains(allowed, T(text)):
		expected := quotedList(allowed)
		d.fail(name, "enum", "Input should be "+expected, text, map[string]string{"expected": expected})
	}
	return T(text)
}

// quotedList is 'a', 'b' or 'c'.
func quotedList[T ~string](words []T) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = "'" + string(w) + "'"
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// checkDatabase refuses a request for another database than the host's, or another
// table than the one named.
func checkDatabase(r *http.Request, known string) error {
	query := r.URL.Query()
	id, table := query.Get("db_id"), query.Get("table")
	switch {
	case id == "" && table != "":
		return &statusError{
			status: http.StatusBadRequest, id: string(host.CodeInvalid),
			detail: "The db_id query parameter is required when passing a table",
		}
	case id != "" && id != databaseID:
		return host.Errorf(host.CodeNotFound, "No database found with id '%s'", cut(id))
	case table != "" && table != known:
		return host.Errorf(host.CodeNotFound, "No database with id '%s' has table '%s'", id, cut(table))
	}
	return nil
}
