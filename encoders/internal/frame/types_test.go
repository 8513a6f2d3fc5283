package frame_test

import (
	"database/sql"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/internal/frame"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

type (
	inner struct {
		A int
		B string `arrow:"b"`
	}
	outer struct {
		inner
		B     string `arrow:"b"` // less deep than the other one
		Other int
	}
	twice struct {
		inner
		Again
	}
	Again         struct{ A int }
	embedsPointer struct{ *Again }
	leftOut       struct {
		*Again `arrow:"-"`
		B      int
	}
	tagged struct {
		Again `arrow:"again"`
	}
	timed struct {
		time.Time
		N int
	}
	oneWay struct{}
)

func (oneWay) MarshalText() ([]byte, error) { return []byte("x"), nil }

// TestEmbedded: the fields of an embedded struct are columns like its own, the less deep of two first.
func TestEmbedded(t *testing.T) {
	tests := []struct {
		rows any
		want string // the columns, or a part of the error
	}{
		{[]outer{{inner{1, "deep"}, "b", 2}}, "A b Other"},
		{[]leftOut{{}}, "B"},
		{[]timed{{}}, "Time N"},
		{[]frametest.FlatModel{}, "id created deleted level kind key name count price cost big"},
		{[]twice{{}}, `two fields are named "A"`},
		{[]embedsPointer{{}}, "field Again embeds a pointer: embed the struct itself"},
		{[]tagged{{}}, "field Again: there is no column type for frame_test.Again"},
	}
	for _, test := range tests {
		source, err := frame.From("test", test.rows)
		var names []string
		if err == nil {
			for _, field := range source.Schema().Fields() {
				names = append(names, field.Name)
			}
		}
		if have := strings.Join(names, " "); have != test.want && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%T: the columns are %s, %v, want %s", test.rows, have, err, test.want)
		}
	}
	source, err := frame.From("test", []outer{{inner{1, "deep"}, "b", 2}})
	if err != nil {
		t.Fatal(err)
	}
	var got []outer
	dest, err := frame.To("test", &got)
	if err == nil {
		err = dest.Set(source.AsTable(), memory.DefaultAllocator)
	}
	if want := []outer{{inner{A: 1}, "b", 2}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("it came back as %v, %v, want %v", got, err, want)
	}
}

// TestColumnTypes: what a type is to other readers.
func TestColumnTypes(t *testing.T) {
	source, err := frame.From("test", frametest.Models(2))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"id": "uint64", "deleted": "timestamp[us, tz=UTC]", "level": "utf8", "levels": "list<item: utf8, nullable>",
		"kind": "dictionary<values=utf8, indices=int32, ordered=false>", "key": "utf8", "raw": "fixed_size_binary[3]",
		"pair": "fixed_size_list<item: float64, nullable>[2]", "name": "utf8", "count": "int64", "day": "date32", "ratio": "float32",
		"price": "utf8", "cost": "utf8", "big": "utf8", "ip": "utf8", "at": "time64[us]", "exact": "time64[ns]",
	}
	for name, typ := range want {
		field, ok := source.Schema().FieldsByName(name)
		if !ok || field[0].Type.String() != typ {
			t.Errorf("column %s is %v, want %s", name, field, typ)
		}
	}
	if metadata := source.Schema().Metadata().Values()[0]; !strings.Contains(metadata, `"field_name":"count","pandas_type":"int64","numpy_type":"Int64"`) {
		t.Errorf("pandas makes floats of what may be null: %s", metadata)
	}
}

// TestOwnTypes: what columns of other types become, and what they cannot.
func TestOwnTypes(t *testing.T) {
	types, texts := arrow.PrimitiveTypes, arrow.BinaryTypes.String
	tests := []struct {
		name   string
		typ    arrow.DataType
		values string
		into   func(arrow.Table) (any, error)
		want   any // the values, or a part of the error
	}{
		{"a name to a level", texts, `["high","low"]`, into[frametest.Level], []frametest.Level{1, 0}},
		{"a large one", arrow.BinaryTypes.LargeString, `["high"]`, into[frametest.Level], []frametest.Level{1}},
		{"a number to a level, as it was stored before", types.Int64, `[1,0]`, into[frametest.Level], []frametest.Level{1, 0}},
		{"null to a level", texts, `[null]`, into[frametest.Level], "it is null"},
		{"null to a pointer to one", texts, `[null,"high"]`, into[*frametest.Level], []*frametest.Level{nil, ptr(frametest.Level(1))}},
		{"another text", texts, `["s3cr3t"]`, into[frametest.Level], `column "a", row 0: UnmarshalText of the field's type refuses its text`},
		{"what is put alone", texts, `["x"]`, into[oneWay], "has MarshalText and no UnmarshalText"},
		{"a text to digits", texts, `["ab000001"]`, into[frametest.ID], []frametest.ID{{0xAB, 0, 0, 1}}},
		{"bytes to digits", &arrow.FixedSizeBinaryType{ByteWidth: 4}, `["qwAAAQ=="]`, into[frametest.ID], []frametest.ID{{0xAB, 0, 0, 1}}},
		{"other bytes", &arrow.FixedSizeBinaryType{ByteWidth: 3}, `["qwAA"]`, into[frametest.ID], "its length is not that"},
		{"bytes of any length", arrow.BinaryTypes.Binary, `["qwAA"]`, into[[3]byte], [][3]byte{{0xAB, 0, 0}}},
		{"a decimal to money", &arrow.Decimal128Type{Precision: 9, Scale: 2}, `["1.25"]`, into[frametest.Money], []frametest.Money{frametest.Cents(125)}},
		{"a null that writes itself", texts, `[null,"1.25"]`, into[frametest.NullMoney], []frametest.NullMoney{{}, {Money: frametest.Cents(125), Valid: true}}},
		{"a list", arrow.ListOf(types.Int8), `[[1,2]]`, into[[2]int], [][2]int{{1, 2}}},
		{"a longer list", arrow.ListOf(types.Int8), `[[1,2,3]]`, into[[2]int], "its length is not that"},
		{"null in a list", arrow.ListOf(types.Int8), `[[1,null]]`, into[[2]int], "it is null"},
		{"null", arrow.ListOf(types.Int8), `[null]`, into[[2]int], "it is null"},
		{"null to what may be null", types.Int64, `[null,5]`, into[sql.NullInt64], []sql.NullInt64{{}, {Int64: 5, Valid: true}}},
		{"a dictionary with null", &arrow.DictionaryType{IndexType: types.Int8, ValueType: texts}, `[null,"x"]`, into[sql.NullString],
			[]sql.NullString{{}, {String: "x", Valid: true}}},
		{"a text to what may be a number", texts, `["x"]`, into[sql.NullInt64], `column "a" is utf8, and the field is sql.NullInt64`},
		{"seconds of a day", arrow.FixedWidthTypes.Time32s, `["01:00:01"]`, into[time.Duration], []time.Duration{time.Hour + time.Second}},
		{"nanoseconds of a day", arrow.FixedWidthTypes.Time64ns, `["00:00:00.000000001"]`, into[time.Duration], []time.Duration{1}},
	}
	for _, test := range tests {
		got, err := test.into(column(t, test.typ, test.values))
		if want, isError := test.want.(string); isError {
			if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, encoders.ErrUnsupportedType) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%s: the error is %v, want %q; %v", test.name, err, want, got)
			}
		} else if err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: it is %v, %v, want %v", test.name, got, err, test.want)
		}
	}
	_, err := into[frametest.Level](column(t, texts, `["s3cr3t"]`))
	if own := new(frametest.NoLevelError); !errors.As(err, &own) || own.Text != "s3cr3t" {
		t.Errorf("what the method returned is not found in %v", err)
	}
}

// TestOwnTypesThatRefuse to be written.
func TestOwnTypesThatRefuse(t *testing.T) {
	type daytime struct {
		A time.Duration `arrow:"a,time"`
	}
	for want, rows := range map[string]any{
		`column "a", row 1: there is no level 7`:  []field[frametest.Level]{{1}, {7}},
		`column "a", row 0: it is no time of day`: []daytime{{24 * time.Hour}},
		`column "a", row 1: it is no time of day`: []daytime{{0}, {-1}},
		"its tag says time, which is the time.Duration": []struct {
			A time.Time `arrow:"a,time"`
		}{},
		"there is no column type for [0]int": []field[[0]int]{},
		"its tag has an option for times, and its type is": []struct {
			A sql.NullString `arrow:"a,ms"`
		}{},
	} {
		if _, err := frame.From("test", rows); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: the error is %v, want %q", rows, err, want)
		}
	}
}
