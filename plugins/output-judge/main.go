// Command output-judge is a plugin that has an agent judge the answer of a run,
// and stores what it finds.
package main

import (
	"encoding/json"
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

//go:wasmexport judge
func exportJudge() int32 { return snaphook.Run(judge) }

// judge asks the judge once and stores one evaluation. A judge that gives no
// judgement is an error: the host tries again.
func judge(c *snaphook.Call) (snaphook.Verdict, error) {
	cfg, err := readConfig(c)
	if err != nil {
		return snaphook.Verdict{}, err
	}
	question, err := cfg.question(runInput(c), c.Content())
	if err != nil {
		return snaphook.Verdict{}, err
	}
	result, err := c.RunComponent(snaphook.RunRequest{
		Component: cfg.Judge, Input: question, OutputSchema: json.RawMessage(cfg.schema()),
	})
	if err != nil {
		return snaphook.Verdict{}, err
	}
	found, err := cfg.evaluation(result)
	if err != nil {
		return snaphook.Verdict{}, fmt.Errorf("judge run %s: %w", result.RunID, err)
	}
	found.Input, found.Output = shorten(runInput(c)), shorten(c.Content())
	if err := c.Evaluate(found); err != nil {
		return snaphook.Verdict{}, err
	}
	c.Log.Info("%s", summary(found))
	return snaphook.Allow(), nil
}

// runInput is what the run was asked, nil where the host does not say.
func runInput(c *snaphook.Call) json.RawMessage {
	if input := c.Extension().Input; input != nil {
		return input.Content
	}
	return nil
}

// summary is an evaluation as the log has it; reasons may quote the answer.
func summary(e pluginapi.Evaluation) string {
	if e.Score == nil {
		return fmt.Sprintf("judged passed=%t", e.Passed)
	}
	return fmt.Sprintf("judged passed=%t score=%g", e.Passed, *e.Score)
}

func main() {}
