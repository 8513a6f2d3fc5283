package frame_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders/internal/frame"
)

type flag bool

type nullable struct {
	I   *int   `arrow:"i"`
	I8  *int8  `arrow:"i8"`
	I16 *int16 `arrow:"i16"`
	I32 *int32 `arrow:"i32"`
	I64 *int64
	U   *uint
	U8  *uint8
	U16 *uint16
	U32 *uint32
	U64 *uint64
	B   *bool
	F   *flag

	Key   string  `arrow:"key,index"`
	KeyN  *uint64 `arrow:"keyN,index"`
	Plain int
	Yes   bool
	Float *float64
	Text  *string
	Time  *time.Time
	Span  *time.Duration
	List  []*int64
}

// metadata is all metadata that rows have, which is pandas'.
func metadata(t *testing.T, rows any) string {
	t.Helper()
	source, err := frame.From("test", rows)
	if err != nil {
		t.Fatal(err)
	}
	all := source.Schema().Metadata()
	if all.Len() == 0 {
		return ""
	}
	if all.Len() != 1 || all.Keys()[0] != "pandas" {
		t.Fatalf("the metadata is %v", all)
	}
	return all.Values()[0]
}

// TestNullableDtypes: pandas is asked for the dtypes that hold null beside every integer, in one metadata with the index.
func TestNullableDtypes(t *testing.T) {
	want := map[string]string{"i": "int64 Int64", "i8": "int8 Int8", "i16": "int16 Int16", "i32": "int32 Int32", "I64": "int64 Int64",
		"U": "uint64 UInt64", "U8": "uint8 UInt8", "U16": "uint16 UInt16", "U32": "uint32 UInt32", "U64": "uint64 UInt64",
		"B": "bool boolean", "F": "bool boolean", "key": "object object", "keyN": "object object"}
	var known struct {
		Index   []string `json:"index_columns"`
		Columns []struct {
			Name   string `json:"name"`
			Field  string `json:"field_name"`
			Pandas string `json:"pandas_type"`
			Numpy  string `json:"numpy_type"`
		}
	}
	if err := json.Unmarshal([]byte(metadata(t, []nullable{{}})), &known); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	for _, column := range known.Columns {
		got[column.Field] = column.Pandas + " " + column.Numpy
		if column.Name != column.Field {
			t.Errorf("column %s is named %s", column.Field, column.Name)
		}
	}
	if !maps.Equal(got, want) || !slices.Equal(known.Index, []string{"key", "keyN"}) {
		t.Errorf("the dtypes are %v, want %v; the index is %v", got, want, known.Index)
	}
}

// TestDtypesFollowFromTheType alone: whether nulls are there or not, pandas has the same dtypes.
func TestDtypesFollowFromTheType(t *testing.T) {
	want := metadata(t, []nullable{{}})
	for name, rows := range map[string]any{"no rows": []nullable{}, "a value": []nullable{{I: new(int)}}, "pointers": []*nullable{{}}} {
		if got := metadata(t, rows); got != want {
			t.Errorf("with %s it is %s, want %s", name, got, want)
		}
	}
	const one = `{"index_columns":[],"column_indexes":[],"columns":[{"name":"A","field_name":"A","pandas_type":"int64",` +
		`"numpy_type":"Int64","metadata":null}],"pandas_version":"3.0.0"}`
	if got := metadata(t, []struct{ A *int }{}); got != one {
		t.Errorf("without an index it is %s, want %s", got, one)
	}
	if got := metadata(t, []struct {
		A int
		B *string
	}{}); got != "" {
		t.Errorf("without integers that may be null it is %s", got)
	}
}
