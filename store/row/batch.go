package row

// InBatches repeats do, which does up to size things, until it has less to do, and
// returns the sum.
func InBatches(size int, do func() (int, error)) (total int, err error) {
	for {
		n, err := do()
		if err != nil {
			return total, err
		}
		total += n
		if n < size {
			return total, nil
		}
	}
}

// UpTo repeats do, which does up to n things, size or less at once, until limit of
// them are done or it finds none, and returns the sum, what the last do did before
// it failed included.
func UpTo(limit, size int, do func(n int) (int, error)) (total int, err error) {
	for total < limit {
		n, err := do(min(size, limit-total))
		total += n
		if err != nil || n == 0 {
			return total, err
		}
	}
	return total, nil
}
