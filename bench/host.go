package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// server is a process that answers runs.
type server struct {
	base string
	cmd  *exec.Cmd
	done chan error
}

// address is how both kinds of server say where they listen.
var address = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// start runs a program and waits until it says where it listens.
func start(ctx context.Context, name string, args ...string) (*server, error) {
	s := &server{cmd: exec.CommandContext(ctx, name, args...), done: make(chan error, 1)}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for s.base == "" && lines.Scan() {
		s.base = address.FindString(lines.Text())
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		s.done <- s.cmd.Wait()
	}()
	if s.base == "" {
		return nil, errors.Join(fmt.Errorf("%s did not start", name), <-s.done)
	}
	return s, nil
}

// stop ends the process softly.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return <-s.done
}

// rss is the process's resident memory, in bytes.
func (s *server) rss() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0, errors.New("no VmRSS")
	}
	kb, err := strconv.ParseInt(fields[0], 10, 64)
	return kb << 10, err
}

// startBaseline starts this program again, as the bare handler.
func startBaseline(ctx context.Context, dir string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, self, "-baseline", dir)
}

// kill ends the process at once, whatever it is doing.
func (s *server) kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return err
	}
	if err := <-s.done; s.cmd.ProcessState.Exited() {
		return errors.Join(errors.New("the host had ended by itself"), err)
	}
	return nil
}

// setup is what a host is started with beside one agent.
type setup struct {
	hooks   string   // bindings, in YAML
	plugins []string // that are bound
	store   string   // its URL; "" for a file in the folder
	model   string   // the agent's, in YAML; "" for echo
}

// startHost starts bin/snaphook with its database in dir, for the first time or
// once more.
func startHost(ctx context.Context, dir string, with setup) (*server, error) {
	plugins, err := linkPlugins(dir, with.plugins)
	if err != nil {
		return nil, err
	}
	config := fmt.Sprintf(`listen: 127.0.0.1:0
store: %s
models: {default: %s}
agents:
  - {id: a, model: default, hooks: [%s]}
background: {queue: 1000000}
plugins: {dir: %s}
cache_dir: %s
`, cmp.Or(with.store, "sqlite://host.db"), cmp.Or(with.model, "{provider: echo}"), with.hooks, plugins, filepath.Join(dir, "..", "modules"))
	file := filepath.Join(dir, "host.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return start(ctx, "bin/snaphook", "serve", "--config", file, "--log-level", "error")
}

// linkPlugins makes a folder of these plugins only.
func linkPlugins(dir string, names []string) (string, error) {
	folder := filepath.Join(dir, "plugins")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	for _, name := range names {
		built := filepath.Join("bin", "plugins", name)
		if name == noteName {
			built = filepath.Join(dir, noteName)
			if err := writeNote(built); err != nil {
				return "", err
			}
		}
		if err := link(built, filepath.Join(folder, name)); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// link makes name lead to target, if it does not yet.
func link(target, name string) error {
	target, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	if err := os.Symlink(target, name); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

// The plugin length-note is the guest in C, length-limit, without being a
// guardrail: those are never called in the background.
const (
	noteName     = "length-note"
	noteManifest = `{manifest_version: 1, name: length-note, version: 0.1.0, abi: wasi-command, ` +
		`hooks: [{name: check, point: input, timeout: 2s}]}`
	noteHook = `{plugin: length-note, config: {max_length: 1000}, mode: background}`
)

// writeNote writes the folder of the plugin.
func writeNote(folder string) error {
	module, err := os.ReadFile(guests()[0].module)
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(folder, 0o700),
		os.WriteFile(filepath.Join(folder, "plugin.yaml"), []byte(noteManifest), 0o600),
		os.WriteFile(filepath.Join(folder, "plugin.wasm"), module, 0o600))
}
