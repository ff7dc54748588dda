package plugin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/snaphook-dev/snaphook/host"
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
	document *document
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
	if !utf8.Valid(data) {
		return reading{problems: []host.Problem{{Message: "is not UTF-8 text"}}}, nil
	}
	d := &document{lines: map[string]int{}}
	root, ok := d.read(string(data))
	if !ok {
		return reading{problems: d.problems}, nil
	}
	var m pluginapi.Manifest
	fitted, err := json.Marshal(d.fit("", root, reflect.TypeOf(m)))
	if err != nil {
		return reading{}, fmt.Errorf("write manifest as JSON: %w", err)
	}
	if err := json.Unmarshal(fitted, &m); err != nil {
		return reading{}, fmt.Errorf("read manifest: %w", err)
	}
	m = m.WithDefaults()
	d.addMeaning(checkManifest(m))
	d.addMeaning(check(m))
	return reading{manifest: m, problems: d.sorted(), document: d}, nil
}

// locate adds the lines of problems found later.
func (r reading) locate(problems []host.Problem) []host.Problem {
	for i := range problems {
		problems[i].Line = r.document.line(problems[i].Path)
	}
	return problems
}

// checkManifest returns what is wrong with a manifest's meaning.
func checkManifest(m pluginapi.Manifest) []host.Problem {
	var problems []host.Problem
	for _, p := range m.Validate() {
		problems = append(problems, host.Problem{Path: p.Path, Message: p.Message})
	}
	for _, name := range m.Permissions.Names() {
		if !slices.Contains(available, name) {
			problems = append(problems, host.Problem{
				Path: "permissions." + string(name), Message: "not available yet",
			})
		}
	}
	if m.ConfigSchema != nil {
		_, wrong := compileSchema(m.ConfigSchema)
		problems = append(problems, wrong...)
	}
	return problems
}

// available are the permissions this host can grant.
var available = []pluginapi.Permission{
	pluginapi.PermissionHTTP, pluginapi.PermissionKV, pluginapi.PermissionSessionState, pluginapi.PermissionSecrets,
}

// addMeaning adds problems that only a typed manifest shows. Those that follow
// from a value that was left out say nothing new.
func (d *document) addMeaning(problems []host.Problem) {
	for _, p := range problems {
		follows := slices.ContainsFunc(d.holes, func(hole string) bool {
			return under(p.Path, hole) || under(hole, p.Path)
		})
		if !follows {
			p.Line = d.line(p.Path)
			d.problems = append(d.problems, p)
		}
	}
}

// sorted returns the problems as they stand in the document.
func (d *document) sorted() []host.Problem {
	slices.SortStableFunc(d.problems, func(a, b host.Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
	return d.problems
}
