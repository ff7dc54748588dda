package snaphook_test

import (
	"fmt"
	"strings"

	snaphook "github.com/snaphook-dev/snaphook/sdk/go"
	"github.com/snaphook-dev/snaphook/sdk/go/snaphooktest"
)

// A hook and its native test. In the plugin an export hands the same function
// to Run.
func Example() {
	check := func(c *snaphook.Call) (snaphook.Verdict, error) {
		config := struct {
			Word string `json:"word"`
		}{Word: "password"}
		if err := c.Config(&config); err != nil {
			return snaphook.Verdict{}, err
		}
		if strings.Contains(c.Text(), config.Word) {
			c.Log.Warn("%s was asked about %q", c.AgentName(), config.Word)
			return snaphook.Deny("forbidden_word", "Let us talk about something else."), nil
		}
		return snaphook.Allow(), nil
	}

	host := snaphooktest.Host{Config: `{"word": "dragon"}`}
	verdict, err := host.Call(check, snaphooktest.Input("Where is the dragon?"))
	fmt.Println(verdict.Decision, verdict.Reason, err)
	fmt.Println(host.Logs[0].Level, host.Logs[0].Message)
	// Output:
	// deny forbidden_word <nil>
	// warn TestAgent was asked about "dragon"
}

func ExampleReplaceContent() {
	shout := func(c *snaphook.Call) (snaphook.Verdict, error) {
		return snaphook.ReplaceContent(strings.ToUpper(c.Text())), nil
	}
	var host snaphooktest.Host
	verdict, err := host.Call(shout, snaphooktest.Output("hello"))
	fmt.Println(verdict.Decision, verdict.Transform.Path, string(verdict.Transform.Value), err)
	// Output:
	// transform $target.content "HELLO" <nil>
}
