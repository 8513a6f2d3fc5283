package frame

import (
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// checkText returns an error if a table has a text that is not UTF-8, or a column's name. No reader takes such a table.
func (s Source) checkText() error {
	if err := checkNames(s.Schema().Fields()); err != nil {
		return err
	}
	for i, field := range s.Schema().Fields() {
		chunks := []arrow.Array{}
		if s.Table != nil {
			chunks = s.Table.Column(i).Data().Chunks()
		} else {
			chunks = append(chunks, s.Record.Column(i))
		}
		first := 0
		for _, chunk := range chunks {
			switch row := notText(chunk, 0, chunk.Len()); {
			case row == inDictionary:
				return fmt.Errorf("column %q has a dictionary with a text that is not UTF-8: store bytes as []byte", field.Name)
			case row >= 0:
				return fmt.Errorf("column %q, row %d: its text is not UTF-8: store bytes as []byte", field.Name, first+row)
			}
			first += chunk.Len()
		}
	}
	return nil
}

func checkNames(fields []arrow.Field) error {
	for _, field := range fields {
		if !utf8.ValidString(field.Name) {
			return fmt.Errorf("the name of column %q is not UTF-8", field.Name)
		}
		if nested, ok := field.Type.(arrow.NestedType); ok {
			if err := checkNames(nested.Fields()); err != nil {
				return err
			}
		}
	}
	return nil
}

// What notText returns where no row has such a text.
const (
	nowhere      = -1
	inDictionary = -2 // a value that no row has
)

// notText finds the first of the values from start to end that is a text that is not UTF-8, or has one within.
func notText(arr arrow.Array, start, end int) int {
	switch typed := arr.(type) {
	case array.ExtensionArray:
		return notText(typed.Storage(), start, end)
	case *array.Dictionary:
		values := typed.Dictionary()
		if notText(values, 0, values.Len()) == nowhere {
			return nowhere
		}
		return firstRow(arr, start, end, inDictionary, func(i int) int {
			return notText(values, typed.GetValueIndex(i), typed.GetValueIndex(i)+1)
		})
	case *array.Struct:
		return firstRow(arr, start, end, notTextIn(typed, start, end), func(i int) int { return notTextIn(typed, i, i+1) })
	case array.ListLike:
		within := func(start, end int) int {
			if start == end {
				return nowhere
			}
			first, _ := typed.ValueOffsets(start)
			_, last := typed.ValueOffsets(end - 1)
			return notText(typed.ListValues(), int(first), int(last))
		}
		return firstRow(arr, start, end, within(start, end), func(i int) int { return within(i, i+1) })
	case *array.String:
		return notTextAmong(typed.ValueOffsets, typed.Value, arr, start, end)
	case *array.LargeString:
		return notTextAmong(typed.ValueOffsets, typed.Value, arr, start, end)
	}
	return nowhere
}

func notTextAmong[T int32 | int64](offsets func() []T, value func(int) string, arr arrow.Array, start, end int) int {
	if start == end || areTexts(offsets()[start:end+1], arr) {
		return nowhere
	}
	return firstRow(arr, start, end, start, func(i int) int {
		if utf8.ValidString(value(i)) {
			return nowhere
		}
		return i
	})
}

// areTexts reports whether what lies between the offsets is UTF-8: all of it at once, which is quicker than one by one.
func areTexts[T int32 | int64](offsets []T, arr arrow.Array) bool {
	first, last := offsets[0], offsets[len(offsets)-1]
	if first == last {
		return true
	}
	all := arr.Data().Buffers()[2].Bytes()[first:last]
	for _, offset := range offsets {
		if offset < last && !utf8.RuneStart(all[offset-first]) {
			return false
		}
	}
	return utf8.Valid(all)
}

// notTextIn finds the same in any field.
func notTextIn(structs *array.Struct, start, end int) int {
	found := nowhere
	for i := range structs.NumField() {
		if at := notText(structs.Field(i), start, end); at != nowhere && (found < 0 || at >= 0 && at < found) {
			found = at
		}
	}
	return found
}

// firstRow finds the first row that has such a text. found is what a look at all of them at once has found, and a null may
// have anything within.
func firstRow(arr arrow.Array, start, end, found int, look func(i int) int) int {
	if found == nowhere {
		return nowhere
	}
	for i := start; i < end; i++ {
		if arr.IsValid(i) && look(i) >= 0 {
			return i
		}
	}
	if found == inDictionary {
		return inDictionary
	}
	return nowhere
}
