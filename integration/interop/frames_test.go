package interop_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow/decimal128"
)

// A row has a column of every type that both sides have. frames.py makes the same ones.
type row struct {
	Int8          int8            `arrow:"int8"`
	Int16         int16           `arrow:"int16"`
	Int32         int32           `arrow:"int32"`
	Int64         int64           `arrow:"int64"`
	Uint8         uint8           `arrow:"uint8"`
	Uint16        uint16          `arrow:"uint16"`
	Uint32        uint32          `arrow:"uint32"`
	Uint64        uint64          `arrow:"uint64"`
	Float32       float32         `arrow:"float32"`
	Bool          bool            `arrow:"bool"`
	Int64Nulls    *int64          `arrow:"int64-nulls"`
	Uint64Nulls   *uint64         `arrow:"uint64-nulls"`
	Float64Nulls  *float64        `arrow:"float64-nulls"`
	BoolNulls     *bool           `arrow:"bool-nulls"`
	TextNulls     *string         `arrow:"text-nulls"`
	TimeNulls     *time.Time      `arrow:"time-nulls"`
	TimeNsNulls   *time.Time      `arrow:"time-ns-nulls,ns"`
	DateNulls     *time.Time      `arrow:"date-nulls,date"`
	DecimalNulls  *decimal128.Num `arrow:"decimal-nulls,decimal(12,2)"`
	CategoryNulls *string         `arrow:"category-nulls,dictionary"`
	BytesNulls    []byte          `arrow:"bytes-nulls"`
	ListNulls     []int64         `arrow:"list-nulls"`
	ListTextNulls []string        `arrow:"list-text-nulls"`
	ListListNulls [][]int32       `arrow:"list-list-nulls"`
	DurationNulls *time.Duration  `arrow:"duration-nulls"`
}

const frameRows = 10_000

// allColumns is the case of a frame that has all columns of its codec; the others have one.
const allColumns = "all-columns"

var (
	frameCodecs = []string{"csv", "feather", "parquet"}
	colors      = []string{"red", "green", "blue, or so"}
)

// A refusal says why a codec of tables does not have a column.
type refusal struct{ codec, column, reason string }

var refusals = []refusal{
	{"csv", "bytes-nulls", csvReason},
	{"csv", "list-nulls", csvReason},
	{"csv", "list-text-nulls", csvReason},
	{"csv", "list-list-nulls", csvReason},
	{"csv", "duration-nulls", "CSV has no durations: pandas writes a text such as `0 days 00:00:01`, and Go refuses both to write and to read it."},
}

const csvReason = "CSV has neither bytes nor lists: pandas writes the text that Python shows for them, and reads that text back; Go refuses " +
	"both to write and to read it."

// frameCases returns the cases of a codec of tables.
func frameCases(codec string) []testCase {
	rows := makeRows(frameRows)
	var cases []testCase
	var whole []string
	for _, name := range columnNames() {
		value := selectColumns(rows, name)
		c := testCase{name: name, put: value}
		i := slices.IndexFunc(refusals, func(r refusal) bool { return r.codec == codec && r.column == name })
		if i >= 0 {
			c.holes = []hole{{shows: `column "` + name + `"`, reason: refusals[i].reason}}
			if codec == "csv" && name == "list-list-nulls" {
				c.holes = append(c.holes, hole{backend: "dynamodb", direction: fromPython, shows: "Item size has exceeded",
					reason: "The text that pandas writes for these is more than the 400 KB that an item of DynamoDB holds."})
			}
		} else {
			whole = append(whole, name)
		}
		cases = append(cases, c)
	}
	return append(cases, testCase{name: allColumns, put: selectColumns(rows, whole...), holes: []hole{{
		backend: "dynamodb", shows: "too large for the store|Item size has exceeded",
		reason: "An item of DynamoDB holds 400 KB, and these are more than 1 MB. Each column by itself is less, and passes. " +
			"(Memcached holds 1 MiB unless it is started with a larger `-I`, as it is here.)",
	}}})
}

func columnNames() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[row]()) {
		names = append(names, columnName(field))
	}
	return names
}

func columnName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("arrow"), ",")
	return name
}

// selectColumns returns the rows as a slice of structs that have some of the columns.
func selectColumns(rows []row, names ...string) any {
	var fields []reflect.StructField
	for _, field := range reflect.VisibleFields(reflect.TypeFor[row]()) {
		if slices.Contains(names, columnName(field)) {
			fields = append(fields, field)
		}
	}
	narrow := reflect.StructOf(fields)
	selected := reflect.MakeSlice(reflect.SliceOf(narrow), len(rows), len(rows))
	for i := range rows {
		for j, field := range fields {
			selected.Index(i).Field(j).Set(reflect.ValueOf(rows[i]).FieldByIndex(field.Index))
		}
	}
	return selected.Interface()
}

func isNull(i int) bool { return i%7 == 3 }

func unlessNull[T any](i int, v T) *T {
	if isNull(i) {
		return nil
	}
	return &v
}

func makeRows(n int) []row {
	rows := make([]row, n)
	for i := range rows {
		k := int64(i)
		moment := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(k) * 3600000123 * time.Microsecond)
		rows[i] = row{
			Int8: int8(k * 37), Int16: int16(k * 7919), Int32: int32(k * 104729001), Int64: k*922337203685477 - 1<<62,
			Uint8: uint8(k * 37), Uint16: uint16(k * 7919), Uint32: uint32(k * 104729001), Uint64: uint64(k) * 1844674407370955,
			Float32: float32(k) / 8, Bool: i%3 == 0,
			Int64Nulls:    unlessNull(i, k*1000003-7),
			Uint64Nulls:   unlessNull(i, uint64(k)*1844674407370955),
			Float64Nulls:  unlessNull(i, float64(k)*0.1),
			BoolNulls:     unlessNull(i, i%2 == 0),
			TextNulls:     unlessNull(i, fmt.Sprintf("row \"%d\",\n€ %d", i, i%11)),
			TimeNulls:     unlessNull(i, moment),
			TimeNsNulls:   unlessNull(i, moment.Add(7)),
			DateNulls:     unlessNull(i, time.Unix((k*13-20000)*86400, 0).UTC()),
			DecimalNulls:  unlessNull(i, decimal128.FromI64(k*12345-5000000)),
			CategoryNulls: unlessNull(i, colors[i%3]),
			DurationNulls: unlessNull(i, time.Duration(k*1000000007)),
		}
		if !isNull(i) {
			fillLists(&rows[i], i)
		}
	}
	return rows
}

func fillLists(r *row, i int) {
	r.BytesNulls = []byte{byte(i), 0, 0xFF}[:i%3+1]
	r.ListNulls, r.ListTextNulls, r.ListListNulls = []int64{}, []string{}, [][]int32{}
	for j := range i % 4 {
		r.ListNulls = append(r.ListNulls, int64(i*j))
		r.ListTextNulls = append(r.ListTextNulls, fmt.Sprint("ü", j))
		r.ListListNulls = append(r.ListListNulls, []int32{int32(i), int32(j)})
	}
}
