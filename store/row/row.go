// Package row is what the stores share: the Go side of their rows. It reads rows
// into the nouns of package host and makes columns of them, says in coded errors
// what is missing or in the way, and holds what has nothing to do with the
// database behind it: what may be stored of a run that begins, how one ends whose
// owner is dead, the walk from the oldest row to the youngest. A store has its own
// SQL, transactions and locks.
//
// Where a scan function says so, the constant beside it lists the columns it takes,
// in their order. Stores that use it name their columns so.
package row

// Scanner is a row of a result.
type Scanner interface{ Scan(dest ...any) error }

// Value scans a row of one column.
func Value[T any](r Scanner) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// Leading returns r without its first column, which goes into a place of its own
// when the others are scanned.
func Leading(r Scanner, into any) Scanner { return leading{r, into} }

type leading struct {
	row  Scanner
	into any
}

func (l leading) Scan(dest ...any) error { return l.row.Scan(append([]any{l.into}, dest...)...) }
