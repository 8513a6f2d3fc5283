package feather

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/gin-cachette/cachette/encoders/internal/flat"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// reader reads a file. It does what ipc.FileReader does, but for two things: that one believes every length and offset
// that it reads, and it copies every buffer twice.
type reader struct {
	data         []byte
	copies       bool // buffers are not to lie in data
	mem          *frame.Memory
	dictionaries map[int64]*array.Data
	used         int64 // how many bytes of the data arrays are made of
}

// once counts bytes that an array is made of. All arrays together are not made of more than there are: a footer may name
// a batch a thousand times, and batches may say that their buffers lie in one place.
func (r *reader) once(n int64) {
	if r.used += n; r.used > int64(len(r.data)) {
		panic(flat.ErrDamaged)
	}
}

const magic = "ARROW1"

var errNoFile = errors.New("it is no Feather file")

func (r *reader) read() (schema *arrow.Schema, records []arrow.Record, err error) {
	footer, err := r.footer()
	if err != nil {
		return nil, nil, err
	}
	schema, nodes, err := r.schema(footer)
	if err != nil {
		return nil, nil, err
	}
	if err := r.readDictionaries(footer, schema, nodes); err != nil {
		return nil, nil, err
	}
	n, blocks := footer.Structs(3, blockSize)
	r.mem.Take(int64(n) * int64(1+len(nodes)) * 256)
	for i := range n {
		body, batch, err := r.record(blocks[i*blockSize:], flat.HeaderRecord)
		if err != nil {
			return nil, nil, err
		}
		record, err := r.load(body, batch, schema, nodes)
		if err != nil {
			return nil, nil, err
		}
		records = append(records, record)
		r.mem.Take(record.NumRows()) // columns of nulls need no memory, and have rows all the same
	}
	return schema, records, nil
}

// footer finds the footer, which says where the batches are.
func (r *reader) footer() (flat.Table, error) {
	const tail = 4 + len(magic)
	if len(r.data) < 8+tail || string(r.data[:len(magic)]) != magic || string(r.data[len(r.data)-len(magic):]) != magic {
		return flat.Table{}, errNoFile
	}
	end := len(r.data) - tail
	size := int64(binary.LittleEndian.Uint32(r.data[end:]))
	if size > int64(end-8) {
		return flat.Table{}, flat.ErrDamaged
	}
	return flat.Root(r.data[end-int(size) : end]), nil
}

// schema reads the schema that the footer has. The one in the message that the file begins with is the same, but polars
// leaves out how long that message is. The library makes the types of it; first it is checked.
func (r *reader) schema(footer flat.Table) (*arrow.Schema, []flat.Node, error) {
	table, ok := footer.Table(1)
	if !ok {
		return nil, nil, flat.ErrDamaged
	}
	if flat.BigEndian(table) {
		return nil, nil, errors.New("it is big-endian, which the codec does not read: write it on a little-endian machine")
	}
	nodes := flat.Schema(table, r.mem.Take)
	message := flat.FrameSchema(table)
	r.mem.Take(int64(len(message)))
	stream, err := ipc.NewReader(bytes.NewReader(message))
	if column, bits := flat.OddInteger(table); err != nil && bits != 0 {
		return nil, nil, fmt.Errorf("column %q has integers of %d bits, which the codec does not read: cast it to ones of 64, or to text", column, bits)
	}
	if err != nil {
		return nil, nil, errors.New("its schema is damaged, or has a type that the Arrow library does not know")
	}
	schema := stream.Schema()
	for _, field := range schema.Fields() {
		if bad := unsupported(field.Type); bad != nil {
			return nil, nil, fmt.Errorf("column %q has a type that the codec does not read: %s%s", field.Name, bad, remedy(bad))
		}
	}
	return schema, nodes, nil
}

// blockSize is the size of a footer's entry for a batch: where it is, and how long its metadata and its body are.
const blockSize = 24

// record finds a batch's message: its body, and its header.
func (r *reader) record(block []byte, kind byte) (body []byte, header flat.Table, err error) {
	offset := int64(binary.LittleEndian.Uint64(block))
	metaLen := int64(int32(binary.LittleEndian.Uint32(block[8:])))
	bodyLen := int64(binary.LittleEndian.Uint64(block[16:]))
	size := int64(len(r.data))
	if offset < 8 || offset > size || metaLen < 8 || metaLen > size-offset || bodyLen < 0 || bodyLen > size-offset-metaLen {
		return nil, flat.Table{}, flat.ErrDamaged
	}
	metadata, _ := flat.Message(r.data[offset : offset+metaLen])
	_, header = flat.Header(metadata, kind)
	start := offset + metaLen
	return r.data[start : start+bodyLen], header, nil
}

func (r *reader) readDictionaries(footer flat.Table, schema *arrow.Schema, nodes []flat.Node) error {
	n, blocks := footer.Structs(2, blockSize)
	if n == 0 {
		return nil
	}
	r.dictionaries = make(map[int64]*array.Data)
	types := make(map[int64]valueType)
	for i, node := range nodes {
		collect(types, schema.Field(i).Type, node)
	}
	for i := range n {
		body, header, err := r.record(blocks[i*blockSize:], flat.HeaderDictionary)
		if err != nil {
			return err
		}
		batch, ok := header.Table(1)
		id := header.Int64(0)
		value, known := types[id]
		if !ok || !known || header.Byte(2) != 0 || r.dictionaries[id] != nil {
			return errors.New("it has a dictionary in parts, or one that no column uses")
		}
		loader, err := newLoader(r, body, batch)
		if err != nil {
			return err
		}
		r.dictionaries[id] = loader.load(value.typ, flat.Node{Dictionary: -1, Children: value.children})
	}
	return nil
}

// valueType is the type of a dictionary's values.
type valueType struct {
	typ      arrow.DataType
	children []flat.Node
}

func collect(types map[int64]valueType, t arrow.DataType, node flat.Node) {
	switch typ := t.(type) {
	case *arrow.DictionaryType:
		types[node.Dictionary] = valueType{typ.ValueType, node.Children}
		collect(types, typ.ValueType, flat.Node{Dictionary: -1, Children: node.Children})
	case arrow.ExtensionType:
		collect(types, typ.StorageType(), node)
	case arrow.NestedType:
		for i, field := range typ.Fields() {
			collect(types, field.Type, node.Children[i])
		}
	}
}

// load makes a record of a batch.
func (r *reader) load(body []byte, batch flat.Table, schema *arrow.Schema, nodes []flat.Node) (arrow.Record, error) {
	loader, err := newLoader(r, body, batch)
	if err != nil {
		return nil, err
	}
	rows := batch.Int64(0)
	columns := make([]arrow.Array, len(nodes))
	for i, node := range nodes {
		data := loader.load(schema.Field(i).Type, node)
		if int64(data.Len()) != rows {
			return nil, flat.ErrDamaged
		}
		columns[i] = array.MakeFromData(data)
	}
	if rows < 0 {
		return nil, flat.ErrDamaged
	}
	return array.NewRecord(schema, columns, rows), nil
}
