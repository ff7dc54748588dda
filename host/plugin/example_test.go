package plugin_test

import (
	"errors"
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/plugin"
)

func ExampleParseManifest() {
	_, err := plugin.ParseManifest([]byte(`
manifest_version: 1
name: greeter
version: 1.0
hooks:
  - {point: inptu, export: greet, guardrail: true, mode: background}
`))
	var refused *host.Error
	if errors.As(err, &refused) {
		for _, p := range refused.Problems {
			fmt.Println(p)
		}
	}
	// Output:
	// line 4: version: must be text, not a number
	// line 6: hooks[0].mode: a guardrail is always blocking
	// line 6: hooks[0].point: must be one of agent_startup, input, pre_model_call, post_model_call, pre_tool_call, post_tool_call, output, agent_shutdown
}
