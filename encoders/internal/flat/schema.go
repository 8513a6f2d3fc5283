package flat

import "encoding/binary"

// A Node is a field of a schema, as far as the Arrow library's types do not tell: the number of its dictionary.
type Node struct {
	Dictionary int64 // -1: it has none
	Children   []Node
}

const (
	maxDepth  = 64 // as the Arrow library has it
	perTable  = 512
	maxDigits = 76 // of a decimal
)

// Types that a field may have, and that say more.
const (
	typeInt             = 2
	typeDecimal         = 7
	typeTimestamp       = 10
	typeFixedSizeBinary = 15
	typeFixedSizeList   = 16
)

// Message takes the framing off an IPC message that data begins with: its metadata, and how long it is with its frame.
func Message(data []byte) (metadata []byte, size int) {
	if len(data) < 8 {
		panic(ErrDamaged)
	}
	n := int(int32(binary.LittleEndian.Uint32(data)))
	frame := 4
	if n == -1 {
		n, frame = int(int32(binary.LittleEndian.Uint32(data[4:]))), 8
	}
	if n <= 0 || n > len(data)-frame {
		panic(ErrDamaged)
	}
	return data[frame : frame+n], frame + n
}

// Headers of a message.
const (
	HeaderSchema     = 1
	HeaderDictionary = 2
	HeaderRecord     = 3
)

// Header returns a message's header of a type.
func Header(metadata []byte, kind byte) (message, header Table) {
	message = Root(metadata)
	header, ok := message.Table(2)
	if !ok || message.Byte(1) != kind {
		panic(ErrDamaged)
	}
	return message, header
}

// SchemaMessage checks the message of a schema that data begins with. take is told how much memory it will need, and may panic.
func SchemaMessage(data []byte, take func(n int64)) (nodes []Node, size int) {
	metadata, size := Message(data)
	message, schema := Header(metadata, HeaderSchema)
	if message.Int64(3) != 0 {
		panic(ErrDamaged) // it has a body
	}
	take(int64(len(metadata)))
	return Schema(schema, take), size
}

// Schema checks a schema.
func Schema(schema Table, take func(n int64)) []Node {
	keyValues(schema, 2, take)
	return fields(schema, 1, 0, take)
}

// OddInteger returns the first column of a checked schema in which there are integers of a width that the Arrow library does not know,
// and that width, in bits; 0 for none.
func OddInteger(schema Table) (column string, bits int32) {
	columns := schema.Tables(1)
	for i := range columns.N {
		if bits := oddInteger(columns.At(i)); bits != 0 {
			_, name := columns.At(i).Structs(0, 1)
			return string(name), bits
		}
	}
	return "", 0
}

func oddInteger(field Table) int32 {
	if typ, ok := field.Table(3); ok && field.Byte(2) == typeInt {
		switch bits := typ.Int32(0); bits {
		case 8, 16, 32, 64:
		default:
			return bits
		}
	}
	children := field.Tables(5)
	for i := range children.N {
		if bits := oddInteger(children.At(i)); bits != 0 {
			return bits
		}
	}
	return 0
}

// BigEndian reports whether the numbers of what has a schema have their highest byte first.
func BigEndian(schema Table) bool { return schema.Int16(0) != 0 }

// FrameSchema makes an IPC message of a schema that lies within other metadata, such as a file's footer.
func FrameSchema(schema Table) []byte {
	const (
		vtable, table, size = 4, 16, 32 // where they are, and how long all is that stands before the metadata
		header              = table + 4
		version5            = 4
	)
	message := make([]byte, 8+size, 8+size+len(schema.data))
	binary.LittleEndian.PutUint32(message, 0xFFFFFFFF)
	binary.LittleEndian.PutUint32(message[4:], uint32(size+len(schema.data)))
	metadata := message[8:]
	binary.LittleEndian.PutUint32(metadata, table)
	for i, n := range []uint16{10, 12, 8, 10, header - table} { // the sizes of the vtable and the table; version, kind and header
		binary.LittleEndian.PutUint16(metadata[vtable+2*i:], n)
	}
	binary.LittleEndian.PutUint32(metadata[table:], table-vtable)
	binary.LittleEndian.PutUint32(metadata[header:], uint32(size+schema.pos-header))
	metadata[table+8], metadata[table+10] = version5, HeaderSchema
	return append(message, schema.data...)
}

func fields(t Table, slot, depth int, take func(n int64)) []Node {
	tables := t.Tables(slot)
	if depth > maxDepth {
		panic(ErrDamaged)
	}
	if tables.N == 0 {
		return nil
	}
	take(int64(tables.N) * perTable)
	nodes := make([]Node, tables.N)
	for i := range nodes {
		field := tables.At(i)
		take(int64(field.Len(0)))
		keyValues(field, 6, take)
		if typ, ok := field.Table(3); ok {
			checkType(field.Byte(2), typ, take)
		}
		nodes[i].Dictionary = -1
		if dictionary, ok := field.Table(4); ok {
			nodes[i].Dictionary = dictionary.Int64(0)
		}
		nodes[i].Children = fields(field, 5, depth+1, take)
	}
	return nodes
}

// checkType checks what a type says of itself, which the Arrow library believes.
func checkType(kind byte, typ Table, take func(n int64)) {
	switch kind {
	case typeTimestamp:
		take(int64(typ.Len(1)))
	case typeDecimal:
		if digits := typ.Int32(0); digits < 1 || digits > maxDigits {
			panic(ErrDamaged)
		}
	case typeFixedSizeBinary, typeFixedSizeList:
		if typ.Int32(0) < 0 {
			panic(ErrDamaged)
		}
	}
}

func keyValues(t Table, slot int, take func(n int64)) {
	tables := t.Tables(slot)
	take(int64(tables.N) * perTable)
	for i := range tables.N {
		pair := tables.At(i)
		take(int64(pair.Len(0) + pair.Len(1)))
	}
}
