package snaphook

// Request is an HTTP request.
type Request struct {
	// Method is GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; empty is GET.
	Method string
	URL    string
	// Header has one value for each name; nil for none.
	Header map[string]string
	// Body is nil for none.
	Body []byte
}

// Response is the answer to a Request.
type Response struct {
	Status int
	// Header has lower-case names; repeated values are joined by commas.
	Header map[string]string
	Body   []byte
}

// OK reports whether the status is 2xx.
func (r Response) OK() bool { return r.Status >= 200 && r.Status < 300 }
