package runtime

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// pageSize is a page of WebAssembly memory, in bytes.
const pageSize = 64 << 10

const headerSize = 8

var (
	moduleHeader    = []byte("\x00asm\x01\x00\x00\x00")
	componentHeader = []byte("\x00asm\x0d\x00\x01\x00")
)

// The sections this file reads.
const (
	sectionImport = 2
	sectionMemory = 5
)

// moduleImport is one entry of the import section.
type moduleImport struct {
	module string
	name   string
	kind   byte
	// moduleAt is where the module's name starts in the file.
	moduleAt int
}

// kindFunction is the kind of imported functions; importKinds names the others.
const kindFunction = 0

var importKinds = [...]string{"function", "table", "memory", "global", "tag"}

// moduleBinary is what the host reads of a module by itself: the imports, which
// it redirects, and the memory, which it bounds.
type moduleBinary struct {
	wasm    []byte
	imports []moduleImport
	// memory is the memory section with its header; nil when there is none, or
	// one that only the engine can judge.
	memory *memorySection
}

// memorySection lies at wasm[start:end]. Sizes are in pages.
type memorySection struct {
	start, end int
	min        uint32
	max        uint32
	hasMax     bool
}

// checkHeader says what is wrong with a file that is no core module.
func checkHeader(wasm []byte) error {
	switch {
	case len(wasm) == 0:
		return errors.New("the module is empty")
	case bytes.HasPrefix(wasm, componentHeader):
		return errors.New("this is a component; build a core module")
	case bytes.HasPrefix(moduleHeader, wasm):
		return errors.New("the module is truncated: it has no sections")
	case !bytes.HasPrefix(wasm, moduleHeader[:4]):
		return errors.New(`this is no WebAssembly module: it does not start with "\0asm"`)
	case !bytes.HasPrefix(wasm, moduleHeader):
		return fmt.Errorf("WebAssembly version % x is not supported; build a core module of version 1", wasm[4:min(len(wasm), headerSize)])
	}
	return nil
}

// readBinary walks the sections. It checks no more than it needs, and keeps
// nothing that is larger than the file.
func readBinary(wasm []byte) (*moduleBinary, error) {
	if err := checkHeader(wasm); err != nil {
		return nil, err
	}
	b := &moduleBinary{wasm: wasm}
	r := reader{data: wasm, at: headerSize}
	for r.more() {
		if err := b.readSection(&r); err != nil {
			return nil, fmt.Errorf("the module is truncated or damaged near byte %d: %w", r.at, err)
		}
	}
	return b, nil
}

func (b *moduleBinary) readSection(r *reader) error {
	start := r.at
	id, size := r.byte(), r.uint32()
	body := reader{data: r.data, at: r.at}
	r.skip(size)
	if r.err != nil {
		return r.err
	}
	body.data = body.data[:r.at]
	switch id {
	case sectionImport:
		return b.readImports(&body)
	case sectionMemory:
		return b.readMemory(&body, start)
	}
	return nil
}

func (b *moduleBinary) readImports(r *reader) error {
	for range r.uint32() {
		at, module := r.name()
		_, name := r.name()
		entry := moduleImport{module: module, name: name, kind: r.byte(), moduleAt: at}
		r.skipImportType(entry.kind)
		if r.err != nil {
			return r.err
		}
		b.imports = append(b.imports, entry)
	}
	return nil
}

func (b *moduleBinary) readMemory(r *reader, start int) error {
	count, flags := r.uint32(), r.byte()
	m := &memorySection{start: start, end: len(r.data), min: r.uint32(), hasMax: flags == 1}
	if m.hasMax {
		m.max = r.uint32()
	}
	// More memories, shared and 64-bit ones are features the engine refuses.
	if r.err == nil && count == 1 && flags <= 1 {
		b.memory = m
	}
	return nil
}

// rewrite returns the module as it is run: its memory bounded to maxPages, and
// the imports chosen by redirect taken from another module, whose name must be
// as long. The original is left alone.
func (b *moduleBinary) rewrite(maxPages uint32, redirect func(module, name string) (string, bool)) []byte {
	out := slices.Clone(b.wasm)
	for _, i := range b.imports {
		if to, ok := redirect(i.module, i.name); ok {
			copy(out[i.moduleAt:i.moduleAt+len(i.module)], to)
		}
	}
	if b.memory == nil {
		return out
	}
	return slices.Replace(out, b.memory.start, b.memory.end, b.memory.bounded(maxPages)...)
}

// bounded encodes the section with its maximum lowered to maxPages, but not
// below the minimum: that would be another error than being over the limit.
func (m *memorySection) bounded(maxPages uint32) []byte {
	maxPages = max(maxPages, m.min)
	if m.hasMax {
		maxPages = min(maxPages, m.max)
	}
	body := []byte{1, 1} // one memory, which has a maximum
	body = binary.AppendUvarint(body, uint64(m.min))
	body = binary.AppendUvarint(body, uint64(maxPages))
	section := binary.AppendUvarint([]byte{sectionMemory}, uint64(len(body)))
	return append(section, body...)
}
