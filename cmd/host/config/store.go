package config

import (
	"net/url"
	"path/filepath"
	"strings"
)

// Store says where everything is kept: one of its fields is set.
type Store struct {
	// SQLite is the path of the database file.
	SQLite string
	// Postgres is the URL of a database. It may hold a password and is not for logs.
	Postgres string
}

// String is the store's URL without its passwords, which may be parameters of it too.
func (s Store) String() string {
	if s.Postgres == "" {
		return "sqlite://" + s.SQLite
	}
	u, err := url.Parse(s.Postgres)
	if err != nil { // it was parsed when it was read
		return "postgres://"
	}
	query := u.Query() // without what it cannot read, which may be one
	for name := range query {
		if strings.Contains(name, "password") {
			query.Set(name, "xxxxx")
		}
	}
	u.RawQuery = query.Encode()
	return u.Redacted()
}

// store reads the store's URL. In the file a relative path begins at the file,
// elsewhere at the working directory.
func (l *loader) store(m *mapping, c *Config) {
	at, text, dir := &node{path: "store"}, DefaultStore, l.dir
	m.read("store", func(n *node) { at, text = n, l.text(n) })
	if o := l.overrides.Store; o != nil {
		at, text, dir = &node{path: "--store"}, *o, ""
	}
	if at.line > 0 && at.kind != kindText {
		return
	}
	path, isSQLite := strings.CutPrefix(text, "sqlite://")
	switch {
	case strings.HasPrefix(text, "postgres://"), strings.HasPrefix(text, "postgresql://"):
		if u, err := url.Parse(text); err != nil || strings.Trim(u.Path, "/") == "" {
			l.problem(at, "must be a URL such as postgres://user@host/database")
			return
		}
		c.Store = Store{Postgres: text}
	case !isSQLite:
		// The text is not repeated: a URL of another kind may hold a password.
		l.problem(at, "must be a URL such as %s or postgres://user@host/database", DefaultStore)
	case path == "", strings.HasSuffix(path, "/"):
		l.problem(at, "names no file")
	case strings.ContainsAny(path, "?#"):
		l.problem(at, "takes no parameters after the path")
	default:
		c.Store = Store{SQLite: resolve(dir, path)}
	}
}

// directory is a path that may be empty.
func (l *loader) directory(n *node) string {
	name := l.text(n)
	if name == "" {
		return ""
	}
	return resolve(l.dir, name)
}

// resolve is path as seen from dir.
func resolve(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
