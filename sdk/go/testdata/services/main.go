// Command services is a guest that uses every service of the host.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/snaphook-dev/snaphook/pluginapi"
	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
)

//go:wasmexport count
func exportCount() int32 { return snaphook.Run(count) }

// count counts the runs of a user, over all sessions, and writes the number into
// the session.
func count(c *snaphook.Call) (snaphook.Verdict, error) {
	key := "runs of " + c.Extension().UserID
	kept, found, err := c.KV.Get(key)
	if err != nil {
		return snaphook.Verdict{}, err
	}
	n := 0
	if found {
		if n, err = strconv.Atoi(string(kept)); err != nil {
			return snaphook.Verdict{}, err
		}
	}
	n++
	if err := c.KV.Set(key, []byte(strconv.Itoa(n))); err != nil {
		return snaphook.Verdict{}, err
	}
	if c.Text() == "forget" {
		if err := c.KV.Delete(key); err != nil {
			return snaphook.Verdict{}, err
		}
	}
	if err := c.MergeSessionState(map[string]int{"runs": n}); err != nil {
		return snaphook.Verdict{}, err
	}
	return snaphook.Allow(), nil
}

//go:wasmexport tell
func exportTell() int32 { return snaphook.Run(tell) }

// tell posts the session's state, now and in the context, and logs the answer.
func tell(c *snaphook.Call) (snaphook.Verdict, error) {
	var config struct {
		URL string `json:"url"`
	}
	if err := c.Config(&config); err != nil {
		return snaphook.Verdict{}, err
	}
	now, err := c.SessionState()
	if err != nil {
		return snaphook.Verdict{}, err
	}
	body, err := json.Marshal(map[string]json.RawMessage{"now": now, "context": c.Extension().SessionState})
	if err != nil {
		return snaphook.Verdict{}, err
	}
	response, err := c.HTTP(snaphook.Request{
		Method: "POST", URL: config.URL + "/secret:WEBHOOK", Body: body,
		Header: map[string]string{"Authorization": "Bearer secret:TOKEN"},
	})
	if err != nil {
		return snaphook.Verdict{}, err
	}
	c.Log.Info("the receiver answered %s", response.Body)
	if err := c.MergeSessionState(map[string]any{"told": string(response.Body)}); err != nil {
		return snaphook.Verdict{}, err
	}
	return snaphook.Allow(), nil
}

//go:wasmexport judge
func exportJudge() int32 { return snaphook.Run(judge) }

// judge asks the component of its configuration and stores what it says.
func judge(c *snaphook.Call) (snaphook.Verdict, error) {
	var config struct {
		Judge string `json:"judge"`
	}
	if err := c.Config(&config); err != nil {
		return snaphook.Verdict{}, err
	}
	result, err := c.RunComponent(snaphook.RunRequest{
		Component: config.Judge, Input: c.Text(), OutputSchema: map[string]string{"type": "object"},
	})
	if err != nil {
		return snaphook.Verdict{}, err
	}
	found := snaphook.Evaluation{Passed: result.Status == pluginapi.RunCompleted, Output: result.Content, JudgeRunID: result.RunID}
	if err := c.Evaluate(found); err != nil {
		return snaphook.Verdict{}, err
	}
	found.JudgeRunID = "another"
	if c.Evaluate(found) == nil {
		return snaphook.Verdict{}, errors.New("a run of nobody judged")
	}
	return snaphook.Allow(), nil
}

//go:wasmexport refused
func exportRefused() int32 { return snaphook.Run(refused) }

// refused lets the run pass only if the host grants it nothing.
func refused(c *snaphook.Call) (snaphook.Verdict, error) {
	_, _, get := c.KV.Get("key")
	_, state := c.SessionState()
	_, run := c.RunComponent(snaphook.RunRequest{Component: "judge", Input: "hello"})
	for name, err := range map[string]error{
		"run": run, "get": get, "set": c.KV.Set("key", nil), "delete": c.KV.Delete("key"),
		"state": state, "merge": c.MergeSessionState(struct{}{}),
	} {
		if !errors.Is(err, snaphook.ErrNotGranted) {
			return snaphook.Verdict{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return snaphook.Allow(), nil
}

func main() {}
