package pluginapi

import _ "embed"

// The published schemas are generated from the Go types; a test keeps them
// current. They are strings so that nobody can change them.
var (
	//go:embed schema/context.json
	contextSchema string
	//go:embed schema/verdict.json
	verdictSchema string
	//go:embed schema/manifest.json
	manifestSchema string
)

// ContextSchema returns the JSON Schema (2020-12) of Context.
func ContextSchema() []byte { return []byte(contextSchema) }

// VerdictSchema returns the JSON Schema (2020-12) of Verdict. Unlike ParseVerdict
// it checks the form of a transform's path.
func VerdictSchema() []byte { return []byte(verdictSchema) }

// ManifestSchema returns the JSON Schema (2020-12) of Manifest. It says what a
// manifest looks like; Manifest.Validate checks more.
func ManifestSchema() []byte { return []byte(manifestSchema) }
