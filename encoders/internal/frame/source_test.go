package frame_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

// tableShape has the methods by which a table is known.
type tableShape struct{ rows int64 }

func (t *tableShape) NumRows() int64 { return t.rows }
func (t *tableShape) NumCols() int64 { return 1 }
func (t *tableShape) Retain()        {}
func (t *tableShape) Release()       {}

type schema struct{}

// otherTable is one of another version of Arrow.
type otherTable struct{ tableShape }

func (t *otherTable) Schema() *schema { return nil }

// halfTable has Arrow's schema, and is no table of Arrow's.
type halfTable struct{ tableShape }

func (t *halfTable) Schema() *arrow.Schema { return nil }

// noTable has a schema and no rows.
type noTable struct{}

func (noTable) Schema() *schema { return nil }

type otherInterface interface {
	NumRows() int64
	NumCols() int64
	Retain()
	Release()
	Schema() *schema
}

const (
	isOther   = "values of another version of Arrow are other types: give those of github.com/apache/arrow/go/v15"
	wantTable = "give an arrow.Record, an arrow.Table or a slice of structs"
	wantInto  = "give a pointer to an arrow.Record, an arrow.Table or a slice of structs"
)

func TestWhatIsNoTable(t *testing.T) {
	tests := []struct {
		name string
		call func() error
		want string
	}{
		{"nothing", from(nil), wantTable},
		{"a number", from(5), wantTable},
		{"a nil pointer to rows", from((*[]field[int])(nil)), "it is a nil pointer: " + wantTable},
		{"a pointer to a pointer to rows", from(ptr(&[]field[int]{})), wantTable},
		{"a pointer to numbers", from(&[]int{1}), wantTable},
		{"a pointer to times", from(&[]time.Time{{}}), wantTable},
		{"a pointer to a row", from(&field[int]{}), wantTable},
		{"a pointer to rows, one nil", from(&[]*field[int]{nil}), "row 0 is a nil pointer"},
		{"a pointer to rows with no columns", from(&[]struct{ a int }{{1}}), "struct { a int } has no exported field"},
		{"a table of another Arrow", from(&otherTable{}), isOther},
		{"a nil one", from((*otherTable)(nil)), isOther},
		{"a table without a schema", from(&tableShape{}), wantTable},
		{"a schema without a table", from(&halfTable{}), wantTable},
		{"a schema and no rows", from(noTable{}), wantTable},
		{"into a table of another Arrow", to(new(otherInterface)), isOther},
		{"into a pointer to one", to(ptr(&otherTable{})), isOther},
		{"into a table without a schema", to(ptr(&tableShape{})), wantInto},
		{"into a schema without a table", to(ptr(&halfTable{})), wantInto},
		{"into a pointer to rows", to(ptr(&[]field[int]{})), wantInto},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			unsupported := new(encoders.UnsupportedTypeError)
			err := test.call()
			if !errors.As(err, &unsupported) || unsupported.Reason != test.want {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func from(value any) func() error {
	return func() error { _, err := frame.From("test", value); return err }
}

func to(dst any) func() error {
	return func() error { _, err := frame.To("test", dst); return err }
}

// TestABrokenRecordIsAnError: a record can be a program's own type.
func TestABrokenRecordIsAnError(t *testing.T) {
	if _, err := frame.From("test", struct{ arrow.Record }{}); err == nil || !strings.Contains(err.Error(), "cannot encode struct") {
		t.Errorf("the error is %v", err)
	}
}

type named []field[string]

// TestPointersToRows are the rows.
func TestPointersToRows(t *testing.T) {
	rows, pointers := []field[string]{{"x"}, {""}}, []*field[string]{{"x"}, {""}}
	want, err := frame.From("test", rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{&rows, pointers, &pointers, ptr(named(rows))} {
		got, err := frame.From("test", value)
		if err != nil || !array.RecordEqual(got.Record, want.Record) {
			t.Errorf("%T: it is %v, %v", value, got.Record, err)
		}
	}
	empty, err := frame.From("test", new([]field[string]))
	if err != nil || empty.Record.NumRows() != 0 || empty.Record.NumCols() != 1 {
		t.Errorf("no rows: it is %v, %v", empty.Record, err)
	}
}

// TestZones: a time in a struct has the zone of its column.
func TestZones(t *testing.T) {
	tests := []struct{ zone, value, want, name string }{
		{"Europe/Berlin", "2024-03-31 00:59:59Z", "2024-03-31T01:59:59+01:00", "Europe/Berlin"},
		{"Europe/Berlin", "2024-03-31 01:00:00Z", "2024-03-31T03:00:00+02:00", "Europe/Berlin"},
		{"Europe/Berlin", "2024-10-27 00:30:00Z", "2024-10-27T02:30:00+02:00", "Europe/Berlin"},
		{"Europe/Berlin", "2024-10-27 01:30:00Z", "2024-10-27T02:30:00+01:00", "Europe/Berlin"},
		{"Europe/Berlin", "1969-12-31 23:59:59Z", "1970-01-01T00:59:59+01:00", "Europe/Berlin"},
		{"+05:30", "2024-02-29 18:30:00Z", "2024-03-01T00:00:00+05:30", "+05:30"},
		{"UTC", "2024-02-29 18:30:00Z", "2024-02-29T18:30:00Z", "UTC"},
		{"", "2024-02-29 18:30:00Z", "2024-02-29T18:30:00Z", "UTC"},
	}
	for _, test := range tests {
		for _, unit := range []arrow.TimeUnit{arrow.Second, arrow.Millisecond, arrow.Microsecond, arrow.Nanosecond} {
			typ := &arrow.TimestampType{Unit: unit, TimeZone: test.zone}
			check := func(what string, at time.Time) {
				if got := at.Format(time.RFC3339Nano); got != test.want || at.Location().String() != test.name {
					t.Errorf("%s in %s, %s: it is %s in %s, want %s", test.value, typ, what, got, at.Location(), test.want)
				}
			}
			table := column(t, typ, `["`+test.value+`"]`)
			plain, err1 := into[time.Time](table)
			pointer, err2 := into[*time.Time](table)
			list, err3 := into[[]time.Time](column(t, arrow.ListOf(typ), `[["`+test.value+`"]]`))
			if err := errors.Join(err1, err2, err3); err != nil {
				t.Fatal(err)
			}
			check("a value", plain.([]time.Time)[0])
			check("a pointer", *pointer.([]*time.Time)[0])
			check("a list", list.([][]time.Time)[0][0])
		}
	}
}

// TestJoin: chunks without rows are nothing, whatever their type is.
func TestJoin(t *testing.T) {
	texts := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	for _, typ := range []arrow.DataType{texts, arrow.BinaryTypes.String} {
		for _, test := range []struct {
			chunks []string
			want   string
		}{
			{nil, ""}, {[]string{`[]`}, ""}, {[]string{`[]`, `[]`}, ""}, {[]string{`["a"]`, `[]`}, "a"},
			{[]string{`[]`, `["a",null]`, `[]`, `["b"]`, `[]`}, "a (null) b"}, {[]string{`["b","a"]`, `["b","c"]`}, "b a b c"},
		} {
			var arrays []arrow.Array
			for _, chunk := range test.chunks {
				arrays = append(arrays, column(t, typ, chunk).Column(0).Data().Chunk(0))
			}
			joined, err := frame.Join(arrow.NewChunked(typ, arrays), memory.DefaultAllocator)
			if err != nil {
				t.Errorf("%s, %q: %v", typ, test.chunks, err)
				continue
			}
			var values []string
			for i := range joined.Len() {
				values = append(values, joined.ValueStr(i))
			}
			if got := strings.Join(values, " "); got != test.want || !arrow.TypeEqual(joined.DataType(), typ) {
				t.Errorf("%s, %q: it is %s of %s, want %s", typ, test.chunks, got, joined.DataType(), test.want)
			}
		}
	}
}
