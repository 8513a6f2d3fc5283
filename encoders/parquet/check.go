package parquet

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/gin-cachette/cachette/encoders/internal/flat"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

const (
	magic      = "PAR1"
	encrypted  = "PARE"
	tail       = 4 + len(magic)
	perByte    = 16   // what the library needs for each byte of the footer, about
	perNode    = 2048 // for each element of the schema
	perChunk   = 4096 // for each column in each row group
	perPath    = 4    // for each byte of each column's path, which has the names of all that the column is in
	perValue   = 24   // for each value at most, beside what it takes from the allocator
	perFixed   = 64   // for each value of a fixed length
	perNamed   = 48   // for each value of a dictionary
	perText    = 128  // for each text in a dictionary
	maxPadding = 100  // what the library reads beyond a column of some old writers
)

var (
	errNoFile    = errors.New("it is no Parquet file")
	errEncrypted = errors.New("it is encrypted, and the codec has no keys: encrypt what Encode returns instead")
)

// file is what a file's metadata says, as far as reading it takes memory.
type file struct {
	data    []byte
	mem     *frame.Memory
	wanted  func(column string) bool
	leaves  []leaf
	chunks  []chunk // of the first row group, then of the others
	rows    int64
	hasRoot bool        // there is a schema
	pairs   [2][]string // the keys of the metadata, and its values, but for the Arrow schema
	origin  []byte      // the Arrow schema, or nil
	buffer  []byte      // of a page that has to be decompressed
	refused error       // what the file has that the library fails at, though it is whole
}

// A leaf is a column of values. A column of the table is one, or is made of several.
type leaf struct {
	levels
	column string // of the table
}

// levels is how often what a column is in may be missing, and may be repeated: the bounds of the levels of its values.
type levels struct{ definition, repetition int }

// refuse notes what the codec does not read. The first of all is what is told.
func (f *file) refuse(format string, args ...any) {
	if f.refused == nil {
		f.refused = fmt.Errorf(format, args...)
	}
}

// check walks over all of a file's metadata before the library reads it, and over the pages of the columns that are wanted:
// the library believes every length, and takes as much memory as the file says.
func check(data []byte, mem *frame.Memory, wanted func(column string) bool) (f *file, err error) {
	if bytes.HasSuffix(data, []byte(encrypted)) {
		return nil, errEncrypted
	}
	if len(data) < len(magic)+tail || string(data[:len(magic)]) != magic || string(data[len(data)-len(magic):]) != magic {
		return nil, errNoFile
	}
	end := len(data) - tail
	size := int64(binary.LittleEndian.Uint32(data[end:]))
	if size > int64(end-len(magic)) {
		return nil, errDamaged
	}
	f = &file{data: data, mem: mem, wanted: wanted}
	f.mem.Take(perByte * size)
	footer := &thrift{data: data[end-int(size) : end]}
	footer.fields(func(id int, kind byte) bool {
		switch {
		case id == 2 && kind == kindList:
			f.schema(footer)
		case id == 4 && kind == kindList:
			footer.structs(func(int, int) { f.rowGroup(footer) })
		case id == 5 && kind == kindList:
			footer.structs(func(int, int) { f.keyValue(footer) })
		case id == 7 && kind == kindList: // the columns' orders
			footer.skipList(kindStruct)
		case id == 8 || id == 9:
			f.refuse("%w", errEncrypted)
			return false
		default:
			return false
		}
		return true
	})
	if f.refused != nil {
		return nil, f.refused
	}
	for _, c := range f.chunks {
		if !wanted(c.column) {
			continue
		}
		if err := f.checkPages(c); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// schema walks over the schema, a tree that is written as a list, and bounds its depth.
func (f *file) schema(t *thrift) {
	type group struct {
		waits int64 // for so many children
		leaf
		path int64 // how long it is
	}
	var open []group
	f.hasRoot = true
	t.structs(func(i, n int) {
		f.mem.Take(perNode)
		var children, repetition int64
		var name []byte
		logical := logicalNone
		t.fields(func(id int, kind byte) bool {
			switch {
			case id == 4 && kind == kindBinary:
				name = t.binary()
			case id == 10 && kind == kindStruct:
				t.fields(func(id int, _ byte) bool {
					logical = id
					return false
				})
			default:
				return id == 3 && t.number(kind, kindI32, &repetition) || id == 5 && t.number(kind, kindI32, &children)
			}
			return true
		})
		path := int64(len(name)) + 1
		if children < 0 || children > int64(n-i-1) || len(open) > maxDepth || i > 0 && len(open) == 0 {
			panic(errDamaged)
		}
		var l leaf // levels of the root do not count
		if len(open) > 0 {
			parent := &open[len(open)-1]
			parent.waits--
			l = leaf{parent.and(repetition), parent.column}
			path += parent.path
		}
		if len(open) == 1 {
			l.column = string(name)
		}
		if !isKnown(logical) {
			f.refuse("column %.100q has the logical type %s, which the codec does not read: leave the column out, or store it as text", l.column, logicalName(logical))
		}
		f.mem.Take(perPath * path)
		switch {
		case children > 0:
			open = append(open, group{children, l, path})
		case i > 0: // the root of a table without columns is none
			f.leaves = append(f.leaves, l)
		}
		for len(open) > 0 && open[len(open)-1].waits == 0 {
			open = open[:len(open)-1]
		}
	})
	if len(open) > 0 {
		panic(errDamaged)
	}
}

const logicalNone = 0

// isKnown reports whether the library knows a logical type, by its number: at others it panics.
func isKnown(logical int) bool { return logical == logicalNone || logical <= 15 && logical != 9 }

func logicalName(logical int) string {
	switch logical {
	case 16:
		return "VARIANT"
	case 17:
		return "GEOMETRY"
	case 18:
		return "GEOGRAPHY"
	}
	return fmt.Sprint("of number ", logical)
}

// What the schema says of an element that may be missing, or be there several times.
const (
	optional = 1
	repeated = 2
)

// and returns the levels of what is within l and repeated as an element of the schema says.
func (l levels) and(repetition int64) levels {
	switch repetition {
	case optional:
		l.definition++
	case repeated:
		l.definition++
		l.repetition++
	}
	return l
}

// keyValue checks the Arrow schema that a file may keep.
func (f *file) keyValue(t *thrift) {
	var key, value []byte
	t.fields(func(id int, kind byte) bool {
		switch {
		case id == 1 && kind == kindBinary:
			key = t.binary()
		case id == 2 && kind == kindBinary:
			value = t.binary()
		default:
			return false
		}
		return true
	})
	if string(key) != schemaKey {
		f.mem.Take(int64(len(key) + len(value)))
		f.pairs[0], f.pairs[1] = append(f.pairs[0], string(key)), append(f.pairs[1], string(value))
		return
	}
	f.mem.Take(2 * int64(len(value)))
	schema, err := base64.StdEncoding.DecodeString(string(value))
	if len(schema) == 0 || err != nil {
		schema, err = base64.RawStdEncoding.DecodeString(string(value))
	}
	if err != nil {
		panic(errDamaged)
	}
	flat.SchemaMessage(schema, f.mem.Take)
	f.origin = schema
}

// A chunk is a column in a row group.
type chunk struct {
	values, size, data, dictionary, codec int64

	kind int64 // of its values, as the format numbers them
	leaf
}

// The kinds of values that take more memory than the others.
const (
	valuesText  = 6
	valuesFixed = 7
)

func (f *file) rowGroup(t *thrift) {
	columns, rows := 0, int64(0)
	t.fields(func(id int, kind byte) bool {
		if id == 1 && kind == kindList {
			t.structs(func(int, int) {
				f.mem.Take(perChunk)
				columns++
				if columns > len(f.leaves) {
					panic(errDamaged)
				}
				f.chunks = append(f.chunks, f.column(t, f.leaves[columns-1]))
			})
			return true
		}
		if id == 4 && kind == kindList { // what the rows are sorted by
			t.skipList(kindStruct)
			return true
		}
		return id == 3 && t.number(kind, kindI64, &rows)
	})
	if columns != len(f.leaves) || rows < 0 || rows > 1<<40 {
		panic(errDamaged)
	}
	f.rows += rows
	f.mem.Take(rows) // columns of nulls need no memory, and have rows all the same
}

// listsOfColumn are the lists in a column's metadata, and the kinds of their elements: its encodings, its path, keys with
// values, and how often it has each encoding.
var listsOfColumn = map[int]byte{2: kindI32, 3: kindBinary, 8: kindStruct, 13: kindStruct}

func (f *file) column(t *thrift, l leaf) chunk {
	c := chunk{leaf: l}
	found := false
	t.fields(func(id int, kind byte) bool {
		switch {
		case id == 1:
			f.refuse("its columns lie in other files, and only a whole table can be stored")
			return false
		case id == 8 || id == 9:
			found = true
			f.refuse("column %.100q: %w", l.column, errEncrypted)
			return false
		case id == 3 && kind == kindStruct:
			found = true
			t.fields(func(id int, kind byte) bool {
				if element := listsOfColumn[id]; element != 0 && kind == kindList {
					t.skipList(element)
					return true
				}
				switch id {
				case 1:
					return t.number(kind, kindI32, &c.kind)
				case 4:
					return t.number(kind, kindI32, &c.codec)
				case 5:
					return t.number(kind, kindI64, &c.values)
				case 7:
					return t.number(kind, kindI64, &c.size)
				case 9:
					return t.number(kind, kindI64, &c.data)
				case 11:
					return t.number(kind, kindI64, &c.dictionary)
				}
				return false
			})
			return true
		}
		return false
	})
	if !found {
		panic(errDamaged)
	}
	return c
}
