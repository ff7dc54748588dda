// Command calculator is a plugin whose tools calculate with two numbers.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// numbers are the arguments of every tool.
type numbers struct {
	A float64 `json:"a"`
	B float64 `json:"b"`
}

// calculate reads the arguments of a tool, and writes what an operation makes of
// them.
func calculate(arguments json.RawMessage, operation func(a, b float64) (float64, error)) (string, error) {
	var n numbers
	if err := json.Unmarshal(arguments, &n); err != nil {
		return "", fmt.Errorf("read the numbers: %w", err)
	}
	result, err := operation(n.A, n.B)
	if err != nil {
		return "", err
	}
	return write(result)
}

// digits are those of a result: one fewer than a float64 has for sure, so that 0.1
// and 0.2 make 0.3.
const digits = 15

// write writes a number as JSON has it.
func write(result float64) (string, error) {
	if math.IsInf(result, 0) || math.IsNaN(result) {
		return "", errors.New("the result is too large")
	}
	return strconv.FormatFloat(result, 'g', digits, 64), nil
}

func add(a, b float64) (float64, error)      { return a + b, nil }
func subtract(a, b float64) (float64, error) { return a - b, nil }
func multiply(a, b float64) (float64, error) { return a * b, nil }

func divide(a, b float64) (float64, error) {
	if b == 0 {
		return 0, errors.New("division by zero")
	}
	return a / b, nil
}

func main() {}
