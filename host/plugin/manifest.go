package plugin

import (
	"fmt"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/yamldoc"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// MaxManifestBytes bounds a manifest.
const MaxManifestBytes = 64 << 10

// ParseManifest reads a manifest, one YAML or JSON document, and fills in its
// defaults. Whatever is wrong with it is reported at once, each problem with
// its path and line, in an *host.Error with the field manifest: CodeInvalid, or
// CodeTooLarge when it is over MaxManifestBytes.
func ParseManifest(data []byte) (pluginapi.Manifest, error) {
	read, err := readManifest(data, func(pluginapi.Manifest) []host.Problem { return nil })
	if err == nil {
		err = refusal("manifest", "the manifest is refused", read.problems)
	}
	if err != nil {
		return pluginapi.Manifest{}, err
	}
	return read.manifest, nil
}

// maxProblems bounds how many problems an error lists.
const maxProblems = 100

// refusal returns an error for problems, nil when there are none.
func refusal(field, message string, problems []host.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	if more := len(problems) - maxProblems; more > 0 {
		problems = append(problems[:maxProblems:maxProblems], host.Problem{Message: fmt.Sprintf("and %d more", more)})
	}
	return &host.Error{Code: host.CodeInvalid, Field: field, Message: message, Problems: problems}
}

// reading is what could be read of a manifest, beside its problems.
type reading struct {
	manifest pluginapi.Manifest
	problems []host.Problem
	document *yamldoc.Document
}

// readManifest reads a manifest. Check finds what is wrong with its meaning
// beside what checkManifest finds.
func readManifest(data []byte, check func(pluginapi.Manifest) []host.Problem) (reading, error) {
	if len(data) > MaxManifestBytes {
		return reading{}, &host.Error{
			Code: host.CodeTooLarge, Field: "manifest",
			Message: fmt.Sprintf("the manifest has more than %d bytes", MaxManifestBytes),
		}
	}
	var m pluginapi.Manifest
	d, err := yamldoc.Decode(data, &m)
	if err != nil {
		return reading{}, fmt.Errorf("read manifest: %w", err)
	}
	m = m.WithDefaults()
	d.Add(checkManifest(m)...)
	d.Add(check(m)...)
	return reading{manifest: m, problems: d.Problems(), document: d}, nil
}

// locate adds the lines of problems found later.
func (r reading) locate(problems []host.Problem) []host.Problem {
	for i := range problems {
		problems[i].Line = r.document.Line(problems[i].Path)
	}
	return problems
}

// checkManifest returns what is wrong with a manifest's meaning.
func checkManifest(m pluginapi.Manifest) []host.Problem {
	var problems []host.Problem
	for _, p := range m.Validate() {
		problems = append(problems, host.Problem{Path: p.Path, Message: p.Message})
	}
	if m.ConfigSchema != nil {
		_, wrong := compileSchema(configSchemaPath, m.ConfigSchema)
		problems = append(problems, wrong...)
	}
	for i, f := range m.Tools {
		if len(f.Parameters) > 0 { // Validate reports what is missing
			_, wrong := compileSchema(parametersPath(i), f.Parameters)
			problems = append(problems, wrong...)
		}
	}
	return problems
}
