package httpapi

import (
	"net/http"
	"strconv"
)

// page is which part of a list a client asks for; pages count from 1.
type page struct {
	number int
	limit  int
}

// pageOf reads page and limit from the query.
func pageOf(r *http.Request) (page, error) {
	var p page
	var wrong []fieldError
	for _, q := range []struct {
		name   string
		into   *int
		absent int
	}{{"limit", &p.limit, 20}, {"page", &p.number, 1}} {
		*q.into = q.absent
		text := r.URL.Query().Get(q.name)
		if text == "" {
			continue
		}
		var err error
		if *q.into, err = strconv.Atoi(text); err != nil || *q.into < 1 {
			input := cut(text)
			wrong = append(wrong, fieldError{
				Type: "greater_than_equal", Loc: []string{"query", q.name},
				Msg: "Input should be an integer greater than or equal to 1", Input: &input,
			})
		}
	}
	if wrong != nil {
		return page{}, &fieldErrors{list: wrong}
	}
	return p, nil
}

// flagOf reads a switch from the query; one that is not given is off.
func flagOf(r *http.Request, name string) (bool, error) {
	switch text := r.URL.Query().Get(name); text {
	case "":
		return false, nil
	case "true", "false":
		return text == "true", nil
	default:
		input := cut(text)
		return false, &fieldErrors{list: []fieldError{{
			Type: "bool_parsing", Loc: []string{"query", name}, Msg: "Input should be true or false", Input: &input,
		}}}
	}
}

// list is one page of a list.
type list[T any] struct {
	Data []T      `json:"data"`
	Meta listMeta `json:"meta"`
}

type listMeta struct {
	Page         int     `json:"page"`
	Limit        int     `json:"limit"`
	TotalPages   int     `json:"total_pages"`
	TotalCount   int     `json:"total_count"`
	SearchTimeMS float64 `json:"search_time_ms"`
}

// newList renders the items of one page.
func newList[S, T any](all []S, at page, render func(S) T) list[T] {
	pages := len(all) / at.limit
	if len(all)%at.limit > 0 {
		pages++
	}
	out := list[T]{
		Data: []T{},
		Meta: listMeta{Page: at.number, Limit: at.limit, TotalPages: pages, TotalCount: len(all)},
	}
	if at.number > pages {
		return out
	}
	rest := all[(at.number-1)*at.limit:]
	for _, item := range rest[:min(at.limit, len(rest))] {
		out.Data = append(out.Data, render(item))
	}
	return out
}
