package frame

import (
	"fmt"
	"math"
	"reflect"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// fill makes a slice of structs of a table. Columns are found by their names; those that no field names are left out.
func (p *plan) fill(table arrow.Table, slice reflect.Type, pointers bool, mem memory.Allocator) (reflect.Value, error) {
	n := int(table.NumRows())
	row := slice.Elem()
	if pointers {
		row = row.Elem()
	}
	size := int64(row.Size())
	if pointers {
		size += 8
	}
	take(mem, int64(n), max(size, 1))
	structs := reflect.MakeSlice(reflect.SliceOf(row), n, n)

	for _, column := range p.columns {
		places := table.Schema().FieldIndices(column.name)
		if places == nil {
			if column.optional {
				continue
			}
			return reflect.Value{}, fmt.Errorf("there is no column %q: a field that may be missing has the option optional in its tag",
				column.name)
		}
		if err := column.fill(structs, table.Column(places[0]).Data(), mem); err != nil {
			return reflect.Value{}, err
		}
	}
	if !pointers {
		return structs.Convert(slice), nil
	}
	rows := reflect.MakeSlice(slice, n, n)
	for i := range n {
		rows.Index(i).Set(structs.Index(i).Addr())
	}
	return rows, nil
}

// take counts n things of a size that Go allocates.
func take(mem memory.Allocator, n, size int64) {
	if m, ok := mem.(*Memory); ok {
		if n > math.MaxInt64/size {
			panic(&LimitError{m.limit})
		}
		m.Take(n * size)
	}
}

func (c column) fill(structs reflect.Value, data *arrow.Chunked, mem memory.Allocator) error {
	first := 0
	for _, chunk := range data.Chunks() {
		set := setter(c.goType, c.typ, chunk, mem)
		if set == nil {
			return fmt.Errorf("column %q is %s, and the field is %s", c.name, chunk.DataType(), c.goType)
		}
		for i := range chunk.Len() {
			if problem := set(i, structs.Index(first+i).FieldByIndex(c.index)); problem != nil {
				return fmt.Errorf("column %q, row %d: %w", c.name, first+i, problem)
			}
		}
		first += chunk.Len()
	}
	return nil
}
