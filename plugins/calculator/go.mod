module github.com/snaphook-dev/snaphook/plugins/calculator

go 1.26.0

require (
	github.com/extism/go-pdk v1.1.3
	github.com/snaphook-dev/snaphook v0.0.0
)

replace github.com/snaphook-dev/snaphook => ../..
