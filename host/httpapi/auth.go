package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// The values of auth_mode.
const (
	authNone = "none"
	authKey  = "security_key"
)

// authenticated lets nobody through who does not know the key. The routes that
// say what this is are open, and so is every OPTIONS: a browser sends it without
// a key.
func (a *api) authenticated(next http.Handler, key string) http.Handler {
	want := sha256.Sum256([]byte(key))
	return a.answering(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodOptions || isOpen(r.URL.Path) {
			next.ServeHTTP(w, r)
			return nil
		}
		token, given := bearerToken(r)
		got := sha256.Sum256([]byte(token)) // of one length, so that comparing takes one time
		switch {
		case !given:
			return unauthorized("Authorization header required")
		case subtle.ConstantTimeCompare(got[:], want[:]) != 1:
			return unauthorized("Invalid authentication token")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func isOpen(path string) bool {
	switch strings.TrimSuffix(path, "/") {
	case "", "/info", pathHealth, pathReady:
		return true
	}
	return false
}

// bearerToken returns the token of the Authorization header, or false when there
// is none of that scheme.
func bearerToken(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

func unauthorized(detail string) error {
	return &statusError{status: http.StatusUnauthorized, id: "unauthorized", detail: detail}
}

// authMode names how callers show who they are.
func authMode(key string) string {
	if key == "" {
		return authNone
	}
	return authKey
}
