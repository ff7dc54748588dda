package main

import (
	"errors"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

// What a judge is asked for.
const (
	scoringBinary  = "binary"
	scoringNumeric = "numeric"
)

// The scores of scoringNumeric.
const (
	minScore         = 1
	maxScore         = 10
	defaultThreshold = 7
)

// config is the binding's configuration.
type config struct {
	// Judge is the component that judges, [kind:]id.
	Judge string `json:"judge"`
	// Criteria says what a good answer is.
	Criteria string `json:"criteria"`
	// Scoring is scoringBinary by default.
	Scoring string `json:"scoring"`
	// Threshold is the least score that passes, for scoringNumeric; 0 for the default.
	Threshold int `json:"threshold"`
	// Guidelines say how to judge.
	Guidelines []string `json:"guidelines"`
	// Name is that of the evaluations; empty for none.
	Name string `json:"name"`
}

func readConfig(c *snaphook.Call) (config, error) {
	cfg := config{Scoring: scoringBinary}
	if err := c.Config(&cfg); err != nil {
		return config{}, err
	}
	switch {
	case cfg.Judge == "":
		return config{}, errors.New("config: judge is missing")
	case cfg.Criteria == "":
		return config{}, errors.New("config: criteria is missing")
	case cfg.Scoring != scoringBinary && cfg.Scoring != scoringNumeric:
		return config{}, errors.New("config: scoring must be binary or numeric")
	case cfg.Scoring == scoringBinary && cfg.Threshold != 0:
		return config{}, errors.New("config: threshold is only for the scoring numeric")
	case cfg.Threshold < 0 || cfg.Threshold > maxScore:
		return config{}, errors.New("config: threshold must be between 1 and 10")
	}
	if cfg.Scoring == scoringNumeric && cfg.Threshold == 0 {
		cfg.Threshold = defaultThreshold
	}
	return cfg, nil
}
