// Package snaphook_test holds the shape of the repository: which package may
// import which, and that each says what it is.
package snaphook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const modulePath = "github.com/snaphook-dev/snaphook"

// rows says how high each package stands. A package imports lower rows only, so
// packages of one row never meet. A new package gets its row with its first
// commit; nested modules (sdk/go, each of plugins) are outside.
var rows = map[string]int{
	"pluginapi": 0,

	"host": 1,

	"runtime":         2,
	"host/model":      2,
	"host/metric":     2,
	"host/schema":     2,
	"host/expression": 2,
	"host/yamldoc":    2,
	"store/row":       2,
	"store/storetest": 2,

	"host/hook":                    3,
	"host/plugin":                  3,
	"host/tool":                    3,
	"host/model/echo":              3,
	"host/model/openai":            3,
	"host/model/openai/openaitest": 3,
	"host/model/script":            3,
	"host/job/pool":                3,
	"host/job/river":               3,
	"runtime/guesttest":            3,
	"store/postgres":               3,
	"store/sqlite":                 3,
	"store/postgres/postgrestest":  3,

	"host/engine": 4,
	"host/job":    4,

	"host/httpapi":    5,
	"cmd/host/config": 5,

	"cmd/host": 6,
	"bench":    6,
	"sdk/tck":  6,
}

// doors names, for each third party, the only packages that may import it. Tests
// and benchmarks may import what they compare with.
var doors = map[string][]string{
	"github.com/tetratelabs/wazero":          {"runtime"},
	"github.com/extism/go-sdk":               {"runtime"},
	"github.com/jackc/pgx":                   {"store/postgres", "host/job/river", "cmd/host"},
	"github.com/riverqueue/river":            {"host/job/river", "cmd/host"},
	"github.com/gorilla/mux":                 {"host/httpapi"},
	"github.com/sashabaranov/go-openai":      {"host/model/openai"},
	"github.com/prometheus/client_golang":    {"host/metric"},
	"github.com/santhosh-tekuri/jsonschema":  {"host/schema"},
	"github.com/goccy/go-yaml":               {"host/yamldoc", "cmd/host/config"},
	"modernc.org/sqlite":                     {"store/sqlite"},
	"github.com/modelcontextprotocol/go-sdk": {"host/tool"},
	"cel.dev/cel-go":                         {"host/expression"},
	"github.com/alecthomas/kong":             {"cmd/host"},
}

// goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	Imports    []string
}

func TestLayers(t *testing.T) {
	t.Parallel()
	for _, problem := range layerProblems(listPackages(t)) {
		t.Error(problem)
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	t.Parallel()
	for _, pkg := range listPackages(t) {
		if n := packageComments(t, pkg); n != 1 {
			t.Errorf("%s has %d package comments, want 1", pkg.ImportPath, n)
		}
	}
}

// listPackages returns the packages of this module that are more than tests.
func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,GoFiles,Imports", "./...")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v\n%s", err, stderr.String())
	}
	var packages []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg goPackage
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read the list of packages: %v", err)
		}
		if len(pkg.GoFiles) > 0 {
			packages = append(packages, pkg)
		}
	}
	if len(packages) < 10 {
		t.Fatalf("only %d packages are listed", len(packages))
	}
	return packages
}

// layerProblems returns what breaks the tables above.
func layerProblems(packages []goPackage) []string {
	var problems []string
	for _, pkg := range packages {
		name := strings.TrimPrefix(pkg.ImportPath, modulePath+"/")
		if _, listed := rows[name]; !listed {
			problems = append(problems, fmt.Sprintf("%s has no row in layers_test.go", name))
			continue
		}
		for _, path := range pkg.Imports {
			if problem := importProblem(name, path); problem != "" {
				problems = append(problems, problem)
			}
		}
	}
	return problems
}

func importProblem(name, path string) string {
	if imported, ours := strings.CutPrefix(path, modulePath+"/"); ours {
		if row, listed := rows[imported]; listed && row >= rows[name] {
			return fmt.Sprintf("%s (row %d) imports %s (row %d); imports go down only", name, rows[name], imported, row)
		}
		return ""
	}
	if name == "pluginapi" && !isStandard(path) {
		return fmt.Sprintf("pluginapi imports %s; it is standard library only", path)
	}
	for party, allowed := range doors {
		// The benchmarks import what they compare with.
		if name != "bench" && within(path, party) && !slices.Contains(allowed, name) {
			return fmt.Sprintf("%s imports %s; its door is %s", name, path, strings.Join(allowed, ", "))
		}
	}
	return ""
}

// isStandard knows that only paths of other modules begin with a domain.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

func packageComments(t *testing.T, pkg goPackage) int {
	t.Helper()
	count := 0
	for _, name := range pkg.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(pkg.Dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Fatalf("parse %s: %v", name, err)
		}
		if file.Doc != nil {
			count++
		}
	}
	return count
}

func TestLayerProblems(t *testing.T) {
	t.Parallel()
	ours := func(name string) string { return modulePath + "/" + name }
	tests := []struct {
		name    string
		imports []string
		want    []string
	}{
		{"host", []string{"fmt", ours("pluginapi"), "example.com/any"}, nil},
		{"host", []string{ours("runtime")}, []string{"host (row 1) imports runtime (row 2); imports go down only"}},
		{"store/sqlite", []string{ours("store/postgres")}, []string{"store/sqlite (row 3) imports store/postgres (row 3); imports go down only"}},
		{"host/util", nil, []string{"host/util has no row in layers_test.go"}},
		{"pluginapi", []string{"encoding/json", "github.com/x/y"}, []string{"pluginapi imports github.com/x/y; it is standard library only"}},
		{"host/engine", []string{"github.com/tetratelabs/wazero/api"}, []string{"host/engine imports github.com/tetratelabs/wazero/api; its door is runtime"}},
		{"runtime", []string{"github.com/tetratelabs/wazero/api"}, nil},
		{"host/hook", []string{"github.com/gorilla/muxer"}, nil},
	}
	for _, test := range tests {
		got := layerProblems([]goPackage{{ImportPath: ours(test.name), Imports: test.imports}})
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s importing %q (-want +got):\n%s", test.name, test.imports, diff)
		}
	}
}
