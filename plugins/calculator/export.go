//go:build wasip1

package main

import (
	"github.com/extism/go-pdk"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

//go:wasmexport add
func exportAdd() int32 { return run(add) }

//go:wasmexport subtract
func exportSubtract() int32 { return run(subtract) }

//go:wasmexport multiply
func exportMultiply() int32 { return run(multiply) }

//go:wasmexport divide
func exportDivide() int32 { return run(divide) }

// run answers one call: 0 with a result, 1 with an error that the model reads.
func run(operation func(a, b float64) (float64, error)) int32 {
	var input pluginapi.ToolInput
	err := pdk.InputJSON(&input)
	if err == nil {
		var result string
		if result, err = calculate(input.Arguments, operation); err == nil {
			pdk.OutputString(result)
			return 0
		}
	}
	pdk.SetError(err)
	return 1
}
