package parquet

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	parquetfile "github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

// TestLevelsAreChecked: levels may say more, or fewer, than there is, and leaves may disagree.
func TestLevelsAreChecked(t *testing.T) {
	const valid = true
	info := parquetfile.LevelInfo{DefLevel: 2, RepLevel: 1}                                 // of a list of numbers
	inner := parquetfile.LevelInfo{DefLevel: 4, RepLevel: 2, RepeatedAncestorDefLevel: 2}   // of a list in a list
	structs := parquetfile.LevelInfo{DefLevel: 3, RepLevel: 1, RepeatedAncestorDefLevel: 2} // of a struct in a list
	tests := []struct {
		name                   string
		info                   parquetfile.LevelInfo
		definition, repetition []int16
		values                 []int // how many each child has
		want                   string
		valid                  bool
	}{
		{"lists", info, []int16{3, 3, 0, 1, 2}, []int16{0, 1, 0, 0, 0}, []int{3}, "[0,0] null [] [0]", valid},
		{"no lists", info, nil, nil, []int{0}, "", valid},
		{"an element without a list", info, []int16{3}, []int16{1}, []int{1}, "", !valid},
		{"an element of an empty list", info, []int16{1, 3}, []int16{0, 1}, []int{1}, "", !valid},
		{"an element that is none", info, []int16{3, 1}, []int16{0, 1}, []int{2}, "", !valid},
		{"more elements", info, []int16{3}, []int16{0}, []int{2}, "", !valid},
		{"fewer elements", info, []int16{3, 3}, []int16{0, 1}, []int{1}, "", !valid},
		{"within lists", inner, []int16{5, 5, 5, 0, 1, 3, 2}, []int16{0, 2, 1, 0, 0, 0, 1}, []int{3}, "[0,0] [0] [] null", valid},
		{"an element behind what is no list", inner, []int16{1, 5}, []int16{0, 2}, []int{1}, "", !valid},
		{"structs", structs, []int16{3, 2, 1, 0, 4}, []int16{0, 1, 0, 0, 0}, []int{3, 3}, `{"a":0,"b":0} null {"a":0,"b":0}`, valid},
		{"structs of other lengths", structs, []int16{3, 3}, []int16{0, 1}, []int{2, 1}, "", !valid},
		{"fewer structs", structs, []int16{3, 3}, []int16{0, 1}, []int{1, 1}, "", !valid},
		{"more structs", structs, []int16{3}, []int16{0}, []int{2, 2}, "", !valid},
	}
	number := arrow.PrimitiveTypes.Int8
	for _, test := range tests {
		r := &reader{file: &file{mem: frame.NewMemory(1 << 20)}}
		field := pqarrow.SchemaField{LevelInfo: test.info}
		var parts []part
		for _, n := range test.values {
			data := array.NewData(number, n, []*memory.Buffer{nil, memory.NewBufferBytes(make([]byte, n))}, nil, 0, 0)
			parts = append(parts, part{data, entries{test.definition, test.repetition}})
		}
		var p part
		var err error
		if len(parts) == 1 {
			p, err = r.lists(field, arrow.ListOf(number), parts[0])
		} else {
			p, err = r.structs(field, arrow.StructOf(arrow.Field{Name: "a", Type: number}, arrow.Field{Name: "b", Type: number}), parts)
		}
		switch {
		case test.valid && (err != nil || strings.Join(frametest.Values(t, array.MakeFromData(p.data)), " ") != test.want):
			t.Errorf("%s: it is %v, %v, want %s", test.name, p.data, err, test.want)
		case !test.valid && err != errDamaged:
			t.Errorf("%s: the error is %v", test.name, err)
		}
	}
}
