// Package openaitest is a server for tests that speaks the OpenAI protocol over
// real HTTP: chat completions and responses. It is written against the protocol,
// not against a client library.
package openaitest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Server answers both interfaces. It is safe for concurrent use.
type Server struct {
	http    *httptest.Server
	respond Responder

	mu       sync.Mutex
	requests []Request
}

// Responder answers the nth request, counted from 0, as soon as it has arrived.
// Requests may arrive at the same time.
type Responder func(n int, req Request) Answer

// Always gives the same answer to every request.
func Always(answer Answer) Responder {
	return func(int, Request) Answer { return answer }
}

// Script gives the answers one after the other; a request too many gets status
// 500.
func Script(answers ...Answer) Responder {
	return func(n int, _ Request) Answer {
		if n >= len(answers) {
			return Answer{Status: http.StatusInternalServerError, Error: "the script has no more answers"}
		}
		return answers[n]
	}
}

// New starts a server that ends with the test; its end waits for the requests
// under way.
func New(t testing.TB, respond Responder) *Server {
	t.Helper()
	s := &Server{respond: respond}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.http.Close)
	return s
}

// BaseURL is the base_url of a client.
func (s *Server) BaseURL() string { return s.http.URL + "/v1" }

// Close ends the server before its test, as a server that is down.
func (s *Server) Close() { s.http.Close() }

// Calls counts the requests so far.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

// Requests returns the requests so far, in the order they arrived.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parse, ok := routes[r.Method+" "+r.URL.Path]
	if !ok {
		fail(w, http.StatusNotFound, Answer{Error: "unknown route " + r.Method + " " + r.URL.Path})
		return
	}
	req, err := read(r, parse)
	if err != nil {
		fail(w, http.StatusBadRequest, Answer{Error: err.Error()})
		return
	}
	s.respond(s.record(req), req).write(w, r, req)
}

// record keeps the request and returns its number.
func (s *Server) record(req Request) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, req)
	return len(s.requests) - 1
}
