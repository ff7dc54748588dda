package main

import "fmt"

// aim is a bound that a figure is to keep; the zero aim is none.
type aim struct {
	sign  string
	bound float64
}

func atLeast(bound float64) aim { return aim{">=", bound} }
func atMost(bound float64) aim  { return aim{"<=", bound} }

// verdict is the bound and whether the figure keeps it; empty for no aim.
func (a aim) verdict(figure float64) string {
	switch {
	case a.sign == "":
		return ""
	case a.sign == ">=" && figure >= a.bound, a.sign == "<=" && figure <= a.bound:
		return fmt.Sprintf("aim %s %g: ok", a.sign, a.bound)
	}
	return fmt.Sprintf("aim %s %g: missed", a.sign, a.bound)
}
