// Command pii-guard is a plugin that keeps personal data out of a run: it
// refuses such input or masks it.
package main

import (
	"errors"
	"fmt"
	"slices"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

//go:wasmexport check_input
func checkInput() int32 { return snaphook.Run(check) }

// check looks into every string of the input. Data in the name of a member
// cannot be masked without breaking the input, so it is refused in any case.
func check(c *snaphook.Call) (snaphook.Verdict, error) {
	cfg, err := readConfig(c)
	if err != nil {
		return snaphook.Verdict{}, err
	}
	content := c.Content()
	if content == nil {
		return snaphook.Verdict{}, errors.New("the input has no content")
	}
	counts := map[kind]int{}
	inName := false
	masked := rewriteStrings(content, func(text string, isName bool) string {
		found := find(text, cfg.Detect)
		for _, s := range found {
			counts[s.kind]++
		}
		inName = inName || isName && len(found) > 0
		return mask(text, found)
	})
	if len(counts) == 0 {
		return snaphook.Allow(), nil
	}
	verdict := snaphook.Deny("pii_detected", "Potential PII detected in input")
	if cfg.Mask && !inName {
		verdict = snaphook.ReplaceContentJSON(masked)
	}
	verdict.Warnings = warnings(counts)
	return verdict, nil
}

// config is the binding's configuration.
type config struct {
	// Mask rewrites the input instead of refusing it.
	Mask bool `json:"mask"`
	// Detect is what to look for; nil for all kinds.
	Detect []kind `json:"detect"`
}

func readConfig(c *snaphook.Call) (config, error) {
	var cfg config
	if err := c.Config(&cfg); err != nil {
		return config{}, err
	}
	if cfg.Detect == nil {
		cfg.Detect = kinds
	}
	if len(cfg.Detect) == 0 {
		return config{}, errors.New("config: detect must not be empty")
	}
	for _, k := range cfg.Detect {
		if !slices.Contains(kinds, k) {
			return config{}, fmt.Errorf("config: detect must not hold %q; it knows %q", k, kinds)
		}
	}
	return cfg, nil
}

// warnings says what was found and how often, never the data itself.
func warnings(counts map[kind]int) []snaphook.Warning {
	var all []snaphook.Warning
	for _, k := range kinds {
		if n := counts[k]; n > 0 {
			all = append(all, snaphook.Warning{
				Reason:  "pii_" + string(k),
				Message: fmt.Sprintf("%s: %d", k, n),
			})
		}
	}
	return all
}

func main() {}
