package script

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/yamldoc"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The bounds of a script.
const (
	MaxBytes  = 256 << 10
	MaxChunks = 1000
)

// item is one item of the file, which is a list of them.
type item struct {
	When    condition          `json:"when"`
	Respond response           `json:"respond"`
	Chunks  int                `json:"chunks"`
	Delay   pluginapi.Duration `json:"delay"`
	Fail    *failure           `json:"fail"`
}

// answer is an item ready to use.
type answer struct {
	item
	// calls counts the requests it was given for.
	calls atomic.Int64
}

// failure is how the first calls fail.
type failure struct {
	Status int `json:"status"`
	Times  int `json:"times"`
}

// Load reads a script from a file. What is wrong with its content is a
// *host.Error that lists every problem with its line.
func Load(name string) (*Model, error) {
	data, err := readFile(name)
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	return Parse(data)
}

func readFile(name string) (_ []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err == nil && len(data) > MaxBytes {
		err = fmt.Errorf("%s is larger than %d KiB", name, MaxBytes>>10)
	}
	return data, err
}

// Parse is Load for the content of a file.
func Parse(data []byte) (*Model, error) {
	var items []item
	doc, err := yamldoc.Decode(data, &items)
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	m := &Model{}
	if len(items) == 0 {
		doc.Add(host.Problem{Message: "has no answers"})
	}
	for i := range items {
		a := &answer{item: items[i]}
		doc.Add(a.check(fmt.Sprintf("[%d]", i))...)
		m.answers = append(m.answers, a)
	}
	if problems := doc.Problems(); len(problems) > 0 {
		return nil, &host.Error{Code: host.CodeInvalid, Message: "the script is wrong", Problems: problems}
	}
	return m, nil
}

// check returns what is wrong with the item at a path.
func (i *item) check(path string) []host.Problem {
	var problems []host.Problem
	wrong := func(is bool, at, message string) {
		if is {
			problems = append(problems, host.Problem{Path: path + at, Message: message})
		}
	}
	i.Respond.check(func(is bool, at, message string) { wrong(is, ".respond"+at, message) })
	wrong(i.When.Turn != nil && *i.When.Turn < 1, ".when.turn", "must be 1 or more")
	wrong(i.Chunks < 0 || i.Chunks > MaxChunks, ".chunks", fmt.Sprintf("must be from 1 to %d", MaxChunks))
	if f := i.Fail; f != nil {
		wrong(f.Status < 400 || f.Status > 599, ".fail.status", "must be an HTTP status from 400 to 599")
		wrong(f.Times < 1, ".fail.times", "must be 1 or more")
	}
	return problems
}
