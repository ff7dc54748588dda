package row

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Migration is one numbered step of a schema.
type Migration struct {
	Version int    // from 1 on
	Name    string // that of its file, without .sql
	SQL     string
}

// Migrations returns the steps in migrations/*.sql, in order. Their files begin
// with their numbers, from 1 without gaps.
func Migrations(files fs.FS) ([]Migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]Migration, len(names))
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimSuffix(strings.TrimPrefix(name, "migrations/"), ".sql")
		number, _, _ := strings.Cut(base, "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("%s is not number %d", name, i+1)
		}
		steps[i] = Migration{Version: version, Name: base, SQL: string(text)}
	}
	return steps, nil
}
