package parquet

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// A part is what a column, or what is within one, is made of, and the levels of one of its leaves. All of them have the same
// levels as far as what is around them is concerned; what they disagree on, the lengths of their arrays show.
type part struct {
	data arrow.ArrayData
	entries
}

// part makes a column of leaves that are within lists, structs and maps.
func (r *reader) part(field pqarrow.SchemaField, origin arrow.DataType) (part, error) {
	if dictionary, ok := origin.(*arrow.DictionaryType); ok {
		origin = dictionary.ValueType // the library would make several chunks of it
	}
	if len(field.Children) == 0 {
		chunks, e, err := r.leaf(field, origin)
		if err != nil {
			return part{}, err
		}
		if len(chunks.Chunks()) != 1 {
			return part{}, errDamaged
		}
		return part{chunks.Chunk(0).Data(), e}, nil
	}
	original := fieldsOf(origin, len(field.Children))
	children := make([]part, len(field.Children))
	fields := make([]arrow.Field, len(field.Children))
	for i, child := range field.Children {
		var err error
		if children[i], err = r.part(child, original[i].Type); err != nil {
			return part{}, err
		}
		fields[i] = arrow.Field{Name: child.Field.Name, Type: children[i].data.DataType(), Nullable: true, Metadata: original[i].Metadata}
	}
	switch field.Field.Type.(type) {
	case *arrow.StructType:
		return r.structs(field, arrow.StructOf(fields...), children)
	case *arrow.MapType:
		pair := fields[0].Type.(*arrow.StructType)
		t := arrow.MapOf(pair.Field(0).Type, pair.Field(1).Type)
		children[0].data = retype(children[0].data, t.Elem())
		return r.lists(field, t, children[0])
	}
	p, err := r.lists(field, arrow.ListOf(fields[0].Type), children[0])
	if err == nil {
		p.data, err = r.shaped(p.data, origin)
	}
	return p, err
}

// fieldsOf returns the n fields within a type, or as many that say nothing.
func fieldsOf(t arrow.DataType, n int) []arrow.Field {
	if nested, ok := t.(arrow.NestedType); ok && len(nested.Fields()) == n {
		return nested.Fields()
	}
	return make([]arrow.Field, n)
}

// at returns the levels of the i-th entry.
func (e entries) at(i int) (definition, repetition int16) {
	if e.repetition != nil {
		repetition = e.repetition[i]
	}
	return e.definition[i], repetition
}

// structs makes an array of structs.
func (r *reader) structs(field pqarrow.SchemaField, t arrow.DataType, children []part) (part, error) {
	n := children[0].data.Len()
	data := make([]arrow.ArrayData, len(children))
	for i, child := range children {
		if child.data.Len() != n {
			return part{}, errDamaged
		}
		data[i] = child.data
	}
	e, info := children[0].entries, field.LevelInfo
	valid := r.newBitmap(n)
	for i := range e.definition {
		definition, repetition := e.at(i)
		if repetition <= info.RepLevel && definition >= info.RepeatedAncestorDefLevel {
			if !valid.add(definition >= info.DefLevel) {
				return part{}, errDamaged
			}
		}
	}
	if len(e.definition) > 0 && valid.n != n {
		return part{}, errDamaged
	}
	return part{array.NewData(t, n, []*memory.Buffer{valid.buffer()}, data, valid.nulls, 0), e}, nil
}

// lists makes an array of lists, or of maps, which are lists of pairs.
func (r *reader) lists(field pqarrow.SchemaField, t arrow.DataType, elements part) (part, error) {
	e, info := elements.entries, field.LevelInfo
	valid := r.newBitmap(len(e.definition))
	offsets := arrow.Int32Traits.CastFromBytes(r.mem.Allocate(arrow.Int32Traits.BytesRequired(len(e.definition) + 1)))
	count, open := 0, false
	for i := range e.definition {
		definition, repetition := e.at(i)
		switch {
		case repetition > info.RepLevel:
			continue // it belongs to a list within
		case repetition == info.RepLevel:
			if !open || definition < info.DefLevel {
				return part{}, errDamaged
			}
		default:
			open = definition >= info.DefLevel
			if definition < info.RepeatedAncestorDefLevel {
				continue
			}
			offsets[valid.n] = int32(count)
			valid.add(definition >= info.DefLevel-1)
		}
		if open {
			count++
		}
	}
	if count != elements.data.Len() {
		return part{}, errDamaged
	}
	offsets[valid.n] = int32(count)
	buffers := []*memory.Buffer{valid.buffer(), memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets[:valid.n+1]))}
	return part{array.NewData(t, valid.n, buffers, []arrow.ArrayData{elements.data}, valid.nulls, 0), e}, nil
}

// shaped gives lists the kind that they had: Parquet has but one.
func (r *reader) shaped(lists arrow.ArrayData, origin arrow.DataType) (arrow.ArrayData, error) {
	n, values := lists.Len(), lists.Children()[0]
	offsets := arrow.Int32Traits.CastFromBytes(lists.Buffers()[1].Bytes())
	switch t := origin.(type) {
	case *arrow.LargeListType:
		wide := arrow.Int64Traits.CastFromBytes(r.mem.Allocate(arrow.Int64Traits.BytesRequired(n + 1)))
		for i, offset := range offsets {
			wide[i] = int64(offset)
		}
		buffers := []*memory.Buffer{lists.Buffers()[0], memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(wide))}
		return array.NewData(arrow.LargeListOf(values.DataType()), n, buffers, []arrow.ArrayData{values}, lists.NullN(), 0), nil
	case *arrow.FixedSizeListType:
		return r.fixed(array.MakeFromData(lists).(*array.List), t.Len())
	}
	return lists, nil
}

// fixed makes lists of n values each of lists that have n, or are null: those have values too, any.
func (r *reader) fixed(lists *array.List, n int32) (arrow.ArrayData, error) {
	values, offsets := lists.ListValues(), lists.Offsets()
	var runs []arrow.Array
	var nulls arrow.Array
	start := int32(0) // of the run of values that are next
	for i := range lists.Len() {
		if lists.IsValid(i) {
			if offsets[i+1]-offsets[i] != n {
				return lists.Data(), nil // it was another file's type
			}
			continue
		}
		r.mem.Take(int64(n)) // nulls need no memory, and are there all the same
		if nulls == nil {
			builder := array.NewBuilder(r.mem, values.DataType())
			builder.AppendNulls(int(n))
			nulls = builder.NewArray()
		}
		runs = append(runs, array.NewSlice(values, int64(start), int64(offsets[i])), nulls)
		start = offsets[i]
	}
	if runs != nil {
		var err error
		runs = append(runs, array.NewSlice(values, int64(start), int64(values.Len())))
		if values, err = array.Concatenate(runs, r.mem); err != nil {
			return nil, errDamaged
		}
	}
	return array.NewData(arrow.FixedSizeListOf(n, values.DataType()), lists.Len(), lists.Data().Buffers()[:1], []arrow.ArrayData{values.Data()}, lists.NullN(), 0), nil
}

// A bitmap tells what is not null.
type bitmap struct {
	data     []byte
	n, nulls int
}

func (r *reader) newBitmap(n int) *bitmap {
	return &bitmap{data: r.mem.Allocate(int(bitutil.BytesForBits(int64(n))))}
}

// add adds one, and reports whether there was room.
func (b *bitmap) add(valid bool) bool {
	if b.n >= 8*len(b.data) {
		return false
	}
	bitutil.SetBitTo(b.data, b.n, valid)
	b.n++
	if !valid {
		b.nulls++
	}
	return true
}

func (b *bitmap) buffer() *memory.Buffer {
	if b.nulls == 0 {
		return nil
	}
	return memory.NewBufferBytes(b.data)
}
