// Package flat reads Arrow's metadata, which are flatbuffers, without trusting them. The generated readers that the Arrow
// library uses follow any offset: a few bytes can have them recurse without end or ask for terabytes. What has passed
// here is safe to give them.
//
// Its functions panic with [ErrDamaged]; the codecs recover once, around all of a decoding.
package flat

import (
	"encoding/binary"
	"errors"
)

// ErrDamaged is what the functions panic with where an offset or a length leads out of the data.
var ErrDamaged = errors.New("the metadata is damaged")

// Table is a flatbuffers table. Where each of its slots lies stands in its vtable.
type Table struct {
	data   []byte
	pos    int
	vtable int
	size   int // of the vtable
}

// Root returns the table that a buffer begins with.
func Root(data []byte) Table {
	if len(data) < 4 {
		panic(ErrDamaged)
	}
	return tableAt(data, int(binary.LittleEndian.Uint32(data)))
}

func tableAt(data []byte, pos int) Table {
	if pos < 0 || pos > len(data)-4 {
		panic(ErrDamaged)
	}
	at := pos - int(int32(binary.LittleEndian.Uint32(data[pos:])))
	if at < 0 || at > len(data)-4 {
		panic(ErrDamaged)
	}
	size := int(binary.LittleEndian.Uint16(data[at:]))
	if size < 4 || size%2 != 0 || size > len(data)-at {
		panic(ErrDamaged)
	}
	return Table{data, pos, at, size}
}

// field returns where a slot's value lies, or 0 where it has none, and checks that size bytes are there.
func (t Table) field(slot, size int) int {
	at := 4 + 2*slot
	if at >= t.size {
		return 0
	}
	offset := int(binary.LittleEndian.Uint16(t.data[t.vtable+at:]))
	if offset == 0 {
		return 0
	}
	if t.pos+offset+size > len(t.data) {
		panic(ErrDamaged)
	}
	return t.pos + offset
}

// Byte returns a slot's byte.
func (t Table) Byte(slot int) byte {
	if at := t.field(slot, 1); at != 0 {
		return t.data[at]
	}
	return 0
}

// Int16 returns a slot's integer of 16 bits.
func (t Table) Int16(slot int) int16 {
	if at := t.field(slot, 2); at != 0 {
		return int16(binary.LittleEndian.Uint16(t.data[at:]))
	}
	return 0
}

// Int32 returns a slot's integer of 32 bits.
func (t Table) Int32(slot int) int32 {
	if at := t.field(slot, 4); at != 0 {
		return int32(binary.LittleEndian.Uint32(t.data[at:]))
	}
	return 0
}

// Int64 returns a slot's integer of 64 bits.
func (t Table) Int64(slot int) int64 {
	if at := t.field(slot, 8); at != 0 {
		return int64(binary.LittleEndian.Uint64(t.data[at:]))
	}
	return 0
}

// follow returns where the offset of a slot leads, or 0.
func (t Table) follow(slot int) int {
	at := t.field(slot, 4)
	if at == 0 {
		return 0
	}
	to := at + int(binary.LittleEndian.Uint32(t.data[at:]))
	if to > len(t.data)-4 {
		panic(ErrDamaged)
	}
	return to
}

// Table returns a slot's table, and whether there is one.
func (t Table) Table(slot int) (Table, bool) {
	at := t.follow(slot)
	if at == 0 {
		return Table{}, false
	}
	return tableAt(t.data, at), true
}

// vector returns where a slot's elements begin, and how many there are.
func (t Table) vector(slot, size int) (start, n int) {
	at := t.follow(slot)
	if at == 0 {
		return 0, 0
	}
	n = int(binary.LittleEndian.Uint32(t.data[at:]))
	if n > (len(t.data)-at-4)/size {
		panic(ErrDamaged)
	}
	return at + 4, n
}

// Len returns the length of a slot's string.
func (t Table) Len(slot int) int {
	_, n := t.vector(slot, 1)
	return n
}

// Tables is a vector of tables.
type Tables struct {
	data     []byte
	start, N int
}

// Tables returns a slot's vector of tables.
func (t Table) Tables(slot int) Tables {
	start, n := t.vector(slot, 4)
	return Tables{t.data, start, n}
}

// At returns the i-th table.
func (v Tables) At(i int) Table {
	place := v.start + 4*i
	return tableAt(v.data, place+int(binary.LittleEndian.Uint32(v.data[place:])))
}

// Structs returns a slot's vector of structs of a size, as their bytes.
func (t Table) Structs(slot, size int) (n int, data []byte) {
	start, n := t.vector(slot, size)
	return n, t.data[start : start+n*size]
}
