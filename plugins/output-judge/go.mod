module github.com/snaphook-dev/snaphook/plugins/output-judge

go 1.26.0

require (
	github.com/snaphook-dev/snaphook v0.0.0
	github.com/snaphook-dev/snaphook/sdk/go v0.0.0
)

require github.com/extism/go-pdk v1.1.3 // indirect

replace (
	github.com/snaphook-dev/snaphook => ../..
	github.com/snaphook-dev/snaphook/sdk/go => ../../sdk/go
)
