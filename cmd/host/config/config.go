package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/job"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// The defaults of Config.
const (
	DefaultListen      = "127.0.0.1:7777"
	DefaultStore       = "sqlite://snaphook.db"
	DefaultHistoryRuns = 3
)

// MaxBytes bounds the file.
const MaxBytes = 256 << 10

// Config is what the host is told to be. Paths in it are ready to use.
type Config struct {
	// Listen is the address of the HTTP API, host:port.
	Listen string
	// SecurityKey is what callers must show; empty asks nobody. It is not for logs.
	SecurityKey string
	// Insecure permits an address other than loopback without a key.
	Insecure bool
	Store    Store
	// CORSOrigins replaces the built-in list; nil keeps it.
	CORSOrigins []string
	// RunHooksInBackground is the mode of hooks for which nobody chose one.
	RunHooksInBackground bool
	// Models by the name agents and teams use. All their models are in it.
	Models map[string]model.Model
	// OfflineModels names the models that answer offline because there is no
	// key, in the order of the file.
	OfflineModels []string
	// Agents in the order of the file.
	Agents []host.Agent
	// Teams in the order of the file; none contains itself.
	Teams []host.Team
	// Workflows in the order of the file. Their expressions compile.
	Workflows []host.Workflow
	// Hooks are the bindings for every component.
	Hooks   []host.Binding
	Plugins Plugins
	// Retention is how long things are kept.
	Retention job.Retention
	// Background bounds background runs.
	Background Background
	// Secrets are for plugins that were granted them.
	Secrets Secrets
	// CacheDir keeps compiled modules; empty for the user's cache directory.
	CacheDir string
}

// Plugins says which plugins are loaded at start.
type Plugins struct {
	// Dir has a folder for each plugin; empty when there is none.
	Dir string
	// Grants by plugin.
	Grants map[string][]pluginapi.Permission
}

// Options says what a file is read with.
type Options struct {
	// LookupEnv is where variables come from; os.LookupEnv when nil.
	LookupEnv func(name string) (string, bool)
	// Overrides win over the file.
	Overrides Overrides
}

// Overrides are values from the command line or the environment. Nil fields
// leave the file's. Relative paths are relative to the working directory.
type Overrides struct {
	Listen               *string
	Insecure             *bool
	Store                *string
	CORSOrigins          []string
	RunHooksInBackground *bool
	PluginsDir           *string
	CacheDir             *string
}

// Load reads a file. What is wrong with its content is a *host.Error that lists
// every problem with its line.
func Load(file string, options Options) (*Config, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parse(data, dir, options)
}

func readFile(name string) (_ []byte, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%s is larger than %d KiB", name, MaxBytes>>10)
	}
	return data, nil
}

// parse reads the content of a file in dir, an absolute path.
func parse(data []byte, dir string, options Options) (*Config, error) {
	data, err := mark(data)
	if err != nil {
		return nil, invalid([]host.Problem{{Message: err.Error()}})
	}
	root, problems := parseDocument(data)
	if root == nil || root.kind == kindNull {
		return nil, invalid(problems)
	}
	lookup := options.LookupEnv
	if lookup == nil {
		lookup = os.LookupEnv
	}
	l := loader{reader: reader{lookup: lookup, problems: problems}, dir: dir, overrides: options.Overrides}
	config := l.load(root)
	if len(l.problems) > 0 {
		return nil, invalid(l.problems)
	}
	return config, nil
}
