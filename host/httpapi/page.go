package httpapi

import "net/http"

// The limits of a page. A client that wants more asks for more pages.
const (
	defaultLimit = 20
	maxLimit     = 1000
	maxPage      = 1_000_000_000
)

// page is which part of a list a client asks for; pages count from 1.
type page struct {
	number int
	limit  int
}

// offset is how many items stand before the page.
func (p page) offset() int { return (p.number - 1) * p.limit }

// pageOf reads page and limit from the query.
func pageOf(r *http.Request) (page, error) {
	d := newQueryDecoder(r)
	p := d.page()
	return p, d.err()
}

// page reads page and limit; page 0 is the first too.
func (d *queryDecoder) page() page {
	limit := d.integer("limit", defaultLimit, 1, maxLimit)
	number := d.integer("page", 1, 0, maxPage)
	return page{number: max(int(number), 1), limit: int(limit)}
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

// newMeta describes a page of a list with so many items.
func newMeta(at page, total int) listMeta {
	return listMeta{Page: at.number, Limit: at.limit, TotalPages: (total + at.limit - 1) / at.limit, TotalCount: total}
}

// newList renders the items of one page.
func newList[S, T any](all []S, at page, render func(S) T) list[T] {
	out := list[T]{Data: []T{}, Meta: newMeta(at, len(all))}
	if at.number > out.Meta.TotalPages {
		return out
	}
	rest := all[at.offset():]
	for _, item := range rest[:min(at.limit, len(rest))] {
		out.Data = append(out.Data, render(item))
	}
	return out
}
