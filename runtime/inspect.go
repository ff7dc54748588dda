package runtime

import (
	"fmt"

	"github.com/tetratelabs/wazero/api"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/pluginapi"
)

// Paths of problems; exports and imports are named in brackets.
const (
	pathModule  = "module"
	pathMemory  = "module.memory"
	pathStart   = "module.start"
	pathExports = "module.exports[%s]"
	pathImports = "module.imports[%s.%s]"
)

// maxNameText bounds a name out of a module in a message, in bytes.
const maxNameText = 100

func problem(path, format string, args ...any) host.Problem {
	return host.Problem{Path: path, Message: fmt.Sprintf(format, args...)}
}

func exportProblem(name, format string, args ...any) host.Problem {
	return problem(fmt.Sprintf(pathExports, clean(name, maxNameText)), format, args...)
}

// checkMemory compares the memory a module starts with to its limit.
func checkMemory(b *moduleBinary, limit uint32) []host.Problem {
	if b.memory == nil || b.memory.min <= limit {
		return nil
	}
	return []host.Problem{problem(pathMemory, "the module needs %s of memory at the start; the limit is %s",
		pages(b.memory.min), pages(limit))}
}

func pages(n uint32) pluginapi.Size { return pluginapi.Size(n) * pageSize }

// checkImports compares the imports with what the host offers. A module may
// import a function twice; it is reported once.
func checkImports(
	imports []moduleImport, functions []api.FunctionDefinition, offered map[string]map[string]signature,
) []host.Problem {
	var problems []host.Problem
	seen := map[host.Problem]bool{}
	for _, i := range imports {
		var text string
		if i.kind == kindFunction {
			text = checkImport(i, signatureOf(functions[0]), offered)
			functions = functions[1:]
		} else {
			text = fmt.Sprintf("a plugin may import functions, not a %s", importKinds[i.kind])
		}
		path := fmt.Sprintf(pathImports, clean(i.module, maxNameText), clean(i.name, maxNameText))
		if p := problem(path, "%s", text); text != "" && !seen[p] {
			seen[p] = true
			problems = append(problems, p)
		}
	}
	return problems
}

// checkImport says what is wrong with one imported function, or nothing.
func checkImport(i moduleImport, is signature, offered map[string]map[string]signature) string {
	want, ok := offered[i.module][i.name]
	switch {
	case !ok:
		return "the host has no such function" + importHint(i.module, i.name)
	case is != want:
		return fmt.Sprintf("the function is imported as %s; it is %s", is, want)
	}
	return ""
}

// checkExports compares the exports with what will be called.
func checkExports(src Source, exported map[string]api.FunctionDefinition) []host.Problem {
	var problems []host.Problem
	for _, name := range src.Exports {
		f, ok := exported[name]
		if !ok {
			problems = append(problems, exportProblem(name, "the module exports no function of this name"))
			continue
		}
		if is, want := signatureOf(f), calledSignature(src.ABI); is != want {
			problems = append(problems, exportProblem(name, "the function is %s; it must be %s%s", is, want, signatureHint(f, want)))
		}
	}
	return problems
}

// calledSignature is the type of the functions the host calls. A function
// () -> () could not say that it failed, so Extism hooks must return an i32.
func calledSignature(abi pluginapi.ABI) signature {
	if abi == pluginapi.ABIWASICommand {
		return startSignature
	}
	return hookSignature
}

func signatureHint(f api.FunctionDefinition, want signature) string {
	switch {
	case want != hookSignature:
		return ""
	case len(f.ParamTypes()) > 0:
		return ": a hook takes no parameters and reads its input through the ABI"
	default:
		return ": a hook returns 0 for success"
	}
}
