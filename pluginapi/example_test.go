package pluginapi_test

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

func ExampleParseVerdict() {
	v, err := pluginapi.ParseVerdict([]byte(`{"decision": "deny", "reason": "pii"}`))
	fmt.Println(v.Decision, v.Reason, err)
	_, err = pluginapi.ParseVerdict([]byte(`{"decision": "maybe"}`))
	fmt.Println(err)
	// Output:
	// deny pii <nil>
	// invalid verdict: decision is not allow, deny or transform
}
