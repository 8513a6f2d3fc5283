package parquet

import (
	"errors"
	"math"
)

// errDamaged is what reading panics with where the data is not what it should be; decoding recovers it once.
var errDamaged = errors.New("the metadata is damaged")

// thrift walks over metadata in Thrift's compact protocol. The generated readers that the library uses believe each
// length that they read; what this has walked over holds none that leads out of the data.
type thrift struct {
	data  []byte
	pos   int
	depth int
}

// The kinds of the values.
const (
	kindTrue   = 1
	kindFalse  = 2
	kindByte   = 3
	kindI16    = 4
	kindI32    = 5
	kindI64    = 6
	kindDouble = 7
	kindBinary = 8
	kindList   = 9
	kindSet    = 10
	kindMap    = 11
	kindStruct = 12
)

const maxDepth = 32

func (t *thrift) byte() byte {
	if t.pos >= len(t.data) {
		panic(errDamaged)
	}
	t.pos++
	return t.data[t.pos-1]
}

func (t *thrift) varint() uint64 {
	var v uint64
	for shift := 0; shift < 64; shift += 7 {
		b := t.byte()
		v |= uint64(b&0x7F) << shift
		if b < 0x80 {
			return v
		}
	}
	panic(errDamaged)
}

func (t *thrift) int() int64 {
	v := t.varint()
	return int64(v>>1) ^ -int64(v&1)
}

// size reads a length of things that are at least a byte each.
func (t *thrift) size() int {
	n := t.varint()
	if n > uint64(len(t.data)-t.pos) {
		panic(errDamaged)
	}
	return int(n)
}

func (t *thrift) binary() []byte { return t.take(t.size()) }

func (t *thrift) take(n int) []byte {
	if n > len(t.data)-t.pos {
		panic(errDamaged)
	}
	t.pos += n
	return t.data[t.pos-n : t.pos]
}

// fields walks over a struct. field is called for each field, and reports whether it has read the value. Fields come in
// the order of their numbers, as every writer has them: two of one number would be one thing here, and another to the
// library.
func (t *thrift) fields(field func(id int, kind byte) bool) {
	if t.depth++; t.depth > maxDepth {
		panic(errDamaged)
	}
	last := 0
	for {
		head := t.byte()
		if head == 0 {
			break
		}
		id := last + int(head>>4)
		if head>>4 == 0 {
			id = int(int16(t.int()))
		}
		if id <= last || id > math.MaxInt16 {
			panic(errDamaged) // the library's numbers would begin again from below
		}
		last = id
		if kind := head & 0x0F; !field(id, kind) {
			t.skip(kind)
		}
	}
	t.depth--
}

// list walks over a list, and returns how many elements follow and of which kind.
func (t *thrift) list() (n int, kind byte) {
	head := t.byte()
	n, kind = int(head>>4), head&0x0F
	if n == 15 {
		n = t.size()
	}
	if n > len(t.data)-t.pos {
		panic(errDamaged)
	}
	return n, kind
}

// structs walks over a list of structs.
func (t *thrift) structs(each func(i, n int)) {
	n := t.listOf(kindStruct)
	for i := range n {
		each(i, n)
	}
}

// listOf begins a list of a kind, and returns how many elements follow. The library does not look at what a list says of
// its elements, and reads the kind that it expects: in a list that says another it would find other things than are seen here.
func (t *thrift) listOf(want byte) int {
	n, kind := t.list()
	if n > 0 && kind != want {
		panic(errDamaged)
	}
	return n
}

// skipList skips a list of a kind.
func (t *thrift) skipList(kind byte) {
	for range t.listOf(kind) {
		t.element(kind)
	}
}

// element skips an element of a list: there, a boolean is a byte.
func (t *thrift) element(kind byte) {
	if kind == kindTrue || kind == kindFalse {
		kind = kindByte
	}
	t.skip(kind)
}

func (t *thrift) skip(kind byte) {
	switch kind {
	case kindTrue, kindFalse:
	case kindByte:
		t.byte()
	case kindI16, kindI32, kindI64:
		t.int()
	case kindDouble:
		for range 8 {
			t.byte()
		}
	case kindBinary:
		t.binary()
	case kindList, kindSet:
		if t.depth++; t.depth > maxDepth {
			panic(errDamaged)
		}
		n, element := t.list()
		for range n {
			t.element(element)
		}
		t.depth--
	case kindStruct:
		t.fields(func(int, byte) bool { return false })
	default:
		// Parquet's metadata has no maps.
		panic(errDamaged)
	}
}

// number reads an integer of a kind into v.
func (t *thrift) number(kind, want byte, v *int64) bool {
	if kind != want {
		return false
	}
	n := t.int()
	if want == kindI32 && n != int64(int32(n)) {
		panic(errDamaged)
	}
	*v = n
	return true
}
