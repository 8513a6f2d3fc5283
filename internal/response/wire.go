package response

import (
	"encoding/binary"
	"math"
	"time"
)

// The part of msgpack that the metadata of responses is written in: arrays, strings, integers, booleans and nil; what else there is
// can be skipped. A hit in a store of bytes reads it, so it is read with few allocations: strings are parts of one copy of the bytes.
// https://github.com/msgpack/msgpack/blob/master/spec.md
const (
	wireNil     = 0xc0
	wireFalse   = 0xc2
	wireTrue    = 0xc3
	wireBin8    = 0xc4
	wireExt8    = 0xc7
	wireFloat32 = 0xca
	wireUint8   = 0xcc
	wireUint32  = 0xce
	wireUint64  = 0xcf
	wireInt8    = 0xd0
	wireInt64   = 0xd3
	wireFixExt1 = 0xd4
	wireStr8    = 0xd9
	wireStr16   = 0xda
	wireStr32   = 0xdb
	wireArray16 = 0xdc
	wireArray32 = 0xdd
	wireMap16   = 0xde
	wireMap32   = 0xdf

	fixMap   = 0x80 // and the number of pairs in the lower 4 bits
	fixArray = 0x90 // and the length in the lower 4 bits
	fixStr   = 0xa0 // and the length in the lower 5 bits
)

// writer appends values to bytes.
type writer []byte

// The three that follow would be inlined at each of their many calls, for four times the code and no time that shows.

//go:noinline
func (w *writer) array(n int) {
	switch {
	case n < 16:
		*w = append(*w, fixArray|byte(n))
	case n <= math.MaxUint16:
		*w = binary.BigEndian.AppendUint16(append(*w, wireArray16), uint16(n))
	default:
		*w = binary.BigEndian.AppendUint32(append(*w, wireArray32), uint32(n))
	}
}

//go:noinline
func (w *writer) str(s string) {
	switch n := len(s); {
	case n < 32:
		*w = append(*w, fixStr|byte(n))
	case n <= math.MaxUint8:
		*w = append(*w, wireStr8, byte(n))
	case n <= math.MaxUint16:
		*w = binary.BigEndian.AppendUint16(append(*w, wireStr16), uint16(n))
	default:
		*w = binary.BigEndian.AppendUint32(append(*w, wireStr32), uint32(n))
	}
	*w = append(*w, s...)
}

// strs writes nil for nil, so that it is read again as that.
func (w *writer) strs(list []string) {
	if list == nil {
		*w = append(*w, wireNil)
		return
	}
	w.array(len(list))
	for _, s := range list {
		w.str(s)
	}
}

//go:noinline
func (w *writer) integer(n int64) {
	if n >= 0 && n < 128 {
		*w = append(*w, byte(n))
		return
	}
	if n >= 0 && n <= math.MaxUint32 {
		*w = binary.BigEndian.AppendUint32(append(*w, wireUint32), uint32(n))
		return
	}
	*w = binary.BigEndian.AppendUint64(append(*w, wireInt64), uint64(n))
}

func (w *writer) boolean(b bool) {
	if b {
		*w = append(*w, wireTrue)
	} else {
		*w = append(*w, wireFalse)
	}
}

// reader reads values from the front of its text. Once something is not what it is read as, broken is set, and all that is
// read from then on is zero.
type reader struct {
	text   string
	broken bool
	spare  []string // for strings of lists: one allocation for several of them
}

// take returns the next n bytes.
func (r *reader) take(n int) string {
	if r.broken || n < 0 || n > len(r.text) {
		r.broken = true
		return ""
	}
	taken := r.text[:n]
	r.text = r.text[n:]
	return taken
}

// kind returns the byte that tells what comes next: nil when nothing does.
func (r *reader) kind() byte {
	if taken := r.take(1); taken != "" {
		return taken[0]
	}
	return wireNil
}

// number returns the unsigned big-endian number in the next size bytes.
func (r *reader) number(size int) (n uint64) {
	for _, b := range []byte(r.take(size)) {
		n = n<<8 | uint64(b)
	}
	return n
}

// length returns a length of so many bytes. Nothing is longer than what is left, for each element takes a byte.
func (r *reader) length(size int) int {
	n := r.number(size)
	if n > uint64(len(r.text)) {
		r.broken = true
		return 0
	}
	return int(n)
}

// array returns the length of an array. ok is false for nil.
func (r *reader) array() (n int, ok bool) {
	switch kind := r.kind(); {
	case kind&0xf0 == fixArray:
		n = int(kind & 0x0f)
	case kind == wireArray16:
		n = r.length(2)
	case kind == wireArray32:
		n = r.length(4)
	case kind == wireNil && !r.broken:
		return 0, false
	default:
		r.broken = true
	}
	if n > len(r.text) {
		r.broken = true
	}
	if r.broken {
		return 0, false
	}
	return n, true
}

// tuple reads the beginning of an array of n, or more, and returns how many more: a later program's, to be skipped behind the n.
func (r *reader) tuple(n int) (more int) {
	got, ok := r.array()
	if !ok || got < n {
		r.broken = true
		return 0
	}
	return got - n
}

// skip reads n values of any kind, and of what kinds there are in them.
func (r *reader) skip(n int) {
	for ; n > 0 && !r.broken; n-- { // each takes a byte at least, so this ends with the text
		switch kind := r.kind(); {
		case kind < 0x80, kind >= 0xe0: // small integers
		case kind&0xf0 == fixMap:
			n += 2 * int(kind&0x0f)
		case kind&0xf0 == fixArray:
			n += int(kind & 0x0f)
		case kind&0xe0 == fixStr:
			r.take(int(kind & 0x1f))
		case kind == wireNil, kind == wireFalse, kind == wireTrue:
		case kind >= wireBin8 && kind < wireExt8:
			r.take(r.length(1 << (kind - wireBin8)))
		case kind >= wireExt8 && kind < wireFloat32:
			r.take(1 + r.length(1<<(kind-wireExt8)))
		case kind >= wireFloat32 && kind <= wireInt64:
			r.take(widths[kind-wireFloat32])
		case kind >= wireFixExt1 && kind < wireStr8:
			r.take(1 + 1<<(kind-wireFixExt1))
		case kind >= wireStr8 && kind < wireArray16:
			r.take(r.length(1 << (kind - wireStr8)))
		case kind == wireArray16, kind == wireArray32:
			n += r.length(2 << (kind - wireArray16))
		case kind == wireMap16, kind == wireMap32:
			n += 2 * r.length(2<<(kind-wireMap16))
		default:
			r.broken = true
		}
	}
}

// widths are the bytes of floats and integers, from wireFloat32 on.
var widths = [...]int{4, 8, 1, 2, 4, 8, 1, 2, 4, 8}

func (r *reader) str() string {
	switch kind := r.kind(); {
	case kind&0xe0 == fixStr:
		return r.take(int(kind & 0x1f))
	case kind == wireStr8:
		return r.take(r.length(1))
	case kind == wireStr16:
		return r.take(r.length(2))
	case kind == wireStr32:
		return r.take(r.length(4))
	}
	r.broken = true
	return ""
}

func (r *reader) strs() []string {
	n, ok := r.array()
	if !ok {
		return nil
	}
	if n > cap(r.spare)-len(r.spare) {
		const several = 16
		r.spare = make([]string, 0, max(n, several))
	}
	begin := len(r.spare)
	for range n {
		r.spare = append(r.spare, r.str())
	}
	return r.spare[begin:len(r.spare):len(r.spare)]
}

func (r *reader) integer() int64 {
	switch kind := r.kind(); {
	case kind < 0x80:
		return int64(kind)
	case kind >= 0xe0:
		return int64(int8(kind))
	case kind >= wireUint8 && kind <= wireUint64:
		n := r.number(1 << (kind - wireUint8))
		if n <= math.MaxInt64 {
			return int64(n)
		}
	case kind >= wireInt8 && kind <= wireInt64:
		size := 1 << (kind - wireInt8)
		unused := 64 - 8*size
		return int64(r.number(size)<<unused) >> unused // with its sign
	}
	r.broken = true
	return 0
}

func (r *reader) duration() time.Duration { return time.Duration(r.integer()) }

func (r *reader) boolean() bool {
	switch r.kind() {
	case wireTrue:
		return true
	case wireFalse:
		return false
	}
	r.broken = true
	return false
}
