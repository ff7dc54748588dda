package runtime

import (
	"errors"
	"fmt"
)

// reader reads the binary format. The first error sticks; all reads after it
// give zero.
type reader struct {
	data []byte
	at   int
	err  error
}

var errTruncated = errors.New("unexpected end")

func (r *reader) more() bool { return r.err == nil && r.at < len(r.data) }

func (r *reader) byte() byte {
	if !r.more() {
		r.fail(errTruncated)
		return 0
	}
	r.at++
	return r.data[r.at-1]
}

// uint32 reads an unsigned LEB128 number, which may be padded to five bytes.
func (r *reader) uint32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.fail(errors.New("a number is too large"))
	return 0
}

func (r *reader) skip(n uint32) {
	if r.err != nil {
		return
	}
	if uint64(n) > uint64(len(r.data)-r.at) {
		r.fail(errTruncated)
		return
	}
	r.at += int(n)
}

// name reads a length and that many bytes, and says where they start.
func (r *reader) name() (at int, name string) {
	n := r.uint32()
	at = r.at
	r.skip(n)
	if r.err != nil {
		return 0, ""
	}
	return at, string(r.data[at:r.at])
}

// skipImportType skips the description of an import, which depends on its kind.
func (r *reader) skipImportType(kind byte) {
	switch kind {
	case kindFunction:
		r.uint32()
	case 1: // table: element type, limits
		r.byte()
		r.skipLimits()
	case 2: // memory
		r.skipLimits()
	case 3: // global: type, mutability
		r.skip(2)
	case 4: // tag: attribute, type
		r.byte()
		r.uint32()
	default:
		r.fail(fmt.Errorf("import of unknown kind %d", kind))
	}
}

func (r *reader) skipLimits() {
	flags := r.byte()
	r.uint32()
	if flags&1 != 0 {
		r.uint32()
	}
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
