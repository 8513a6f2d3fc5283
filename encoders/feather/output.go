package feather

import (
	"errors"
	"io"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// output is what a file is written into. Writing only ever goes on at the end.
type output struct{ data []byte }

func (o *output) Write(p []byte) (int, error) {
	o.data = append(o.data, p...)
	return len(p), nil
}

// Seek only tells where the end is.
func (o *output) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("cannot seek in what is written")
	}
	return int64(len(o.data)), nil
}

// size guesses how long a file becomes, so that what is written seldom grows.
func size(source frame.Source, compressed bool) int {
	const metadata = 1 << 10
	n := int64(metadata)
	if source.Record != nil {
		for _, column := range source.Record.Columns() {
			n += frame.BytesOf(column.Data()) + metadata/4
		}
	}
	if compressed {
		n /= 2
	}
	return int(n)
}

// unsupported returns what in a type is not stored, or nil.
func unsupported(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		if t.ValueType.ID() == arrow.DICTIONARY {
			return t // the library writes it so that nothing reads it
		}
		return unsupported(t.ValueType)
	case arrow.ExtensionType:
		return unsupported(t.StorageType())
	case *arrow.RunEndEncodedType, arrow.UnionType, *arrow.ListViewType, *arrow.LargeListViewType, arrow.BinaryViewDataType:
		return t
	case arrow.NestedType:
		for _, field := range t.Fields() {
			if bad := unsupported(field.Type); bad != nil {
				return bad
			}
		}
	}
	return nil
}

// remedy says what to do about a type that is not stored.
func remedy(t arrow.DataType) string {
	switch t.(type) {
	case arrow.BinaryViewDataType, *arrow.ListViewType, *arrow.LargeListViewType:
		return "; polars writes no views with compat_level=polars.CompatLevel.oldest(), pyarrow where they are cast to large types"
	case *arrow.RunEndEncodedType:
		return "; pyarrow.compute.run_end_decode makes a plain column of it"
	}
	return ""
}

func hasDictionary(t arrow.DataType) bool {
	switch t := t.(type) {
	case *arrow.DictionaryType:
		return true
	case arrow.ExtensionType:
		return hasDictionary(t.StorageType())
	case arrow.NestedType:
		for _, field := range t.Fields() {
			if hasDictionary(field.Type) {
				return true
			}
		}
	}
	return false
}
