package all_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/gin-cachette/cachette/encoders/pickle"
)

// secret is in many of the values, and in no error.
const secret = "s3cr3t"

type (
	row   struct{ ID, Name string }
	point struct{ X, Y int }
	node  struct {
		Next *node
		V    int
	}
	twice  struct{ A, B *twice }
	hidden struct{ secret string }
	outer  struct {
		hidden
		N int
	}
	busy struct {
		Name string
		Done chan int
	}
	lazy struct {
		Name string
		Call func()
	}
	tagged struct {
		Name string
		Call func() `json:"-" msgpack:"-" pickle:"-" arrow:"-"`
	}
	quiet struct {
		Name string
		Done chan int `json:",omitzero" arrow:"-"`
	}
	deepRow struct {
		ID   int
		Tags map[string]any
	}
	lists struct {
		L []string
		B []byte
	}
	matrix struct{ M [][]float64 }
	spans  struct{ D time.Duration }
	events struct {
		At   time.Time
		Name *string
	}
	moments struct {
		At time.Time `arrow:"at,ns"`
	}
	days struct {
		At  time.Time `arrow:"at,date"`
		Cat string    `arrow:"cat,dictionary"`
	}
	cats struct {
		L []string `arrow:"l,dictionary"`
	}
	prices struct {
		P decimal128.Num `arrow:"p,decimal(10,2)"`
	}
	wrongTag struct {
		P string `arrow:"p,date"`
	}
	embeds struct {
		row
		N int
	}
	exports struct {
		Row
		N int
	}
	Row    struct{ ID int }
	inText struct{ s string }
	inJSON struct{ s string }
	inPack struct{ s string }
)

func (t inText) MarshalText() ([]byte, error)     { return []byte(t.s), nil }
func (t *inJSON) MarshalJSON() ([]byte, error)    { return json.Marshal(t.s) }
func (t *inPack) MarshalMsgpack() ([]byte, error) { return []byte("\xa1" + t.s), nil }

const (
	none   = ""
	nested = "json msgpack orjson pickle"
	tables = "csv feather parquet"
	all    = tables + " " + nested
)

// given is a value, and the codecs that take it.
type given struct {
	name  string
	value any
	takes string
}

// keepers are, by the names of values, codecs that take them and do not give them back in a variable of their type.
var keepers = map[string]string{
	"a value for an interface": nested,
	"a pointer to a record":    "json orjson",
}

// endless are the names of those that hold themselves: no other codec is asked about them.
var endless = []string{"a pointer cycle", "a forked cycle", "a list that holds itself", "a map that holds itself"}

func values() []given {
	cyclic := &node{V: 1}
	cyclic.Next = cyclic
	forked := &twice{}
	forked.A, forked.B = forked, forked
	list, dict := []any{nil}, map[string]any{secret: nil}
	list[0], dict["a"] = list, dict
	far, old := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1200, 1, 1, 0, 0, 0, 0, time.UTC)
	name := secret
	return []given{
		{"a channel", make(chan int), none},
		{"a nil channel", (chan int)(nil), none},
		{"a function", func() {}, none},
		{"a complex number", complex(1, 2), none},
		{"a pointer to a channel", new(chan int), none},
		{"a struct", row{"1", secret}, nested},
		{"a pointer to a struct", &row{"1", secret}, nested},
		{"a struct with a channel", busy{Name: secret}, none},
		{"a struct with a function that no codec writes", tagged{Name: secret}, nested},
		{"a struct with a channel that is left out", quiet{Name: secret}, nested},
		{"an empty struct", struct{}{}, nested},
		{"nothing exported", hidden{secret}, none},
		{"nothing exported, within", []hidden{{secret}}, none},
		{"nothing exported, in a map", map[string]any{secret: errors.New(secret)}, none},
		{"an error in a field", struct {
			Data int
			Err  error
		}{1, errors.New(secret)}, "msgpack"},
		{"no error in a field", struct{ Err error }{}, nested},
		{"a value for an interface", struct{ S fmt.Stringer }{time.Second}, nested},
		{"one exported", outer{hidden{secret}, 1}, nested},
		{"a mutex", &sync.Mutex{}, none},
		{"an error", errors.New(secret), none},
		{"a method of the pointer's", inJSON{secret}, none},
		{"a pointer with a MarshalJSON method", &inJSON{secret}, "json orjson"},
		{"a number of JSON", []json.Number{"1.5", ""}, nested},
		{"a number of JSON that is none", []json.Number{secret}, "msgpack pickle"},
		{"a MarshalMsgpack method", inPack{"x"}, "msgpack"},
		{"a MarshalText method", inText{secret}, nested + " vanilla"},
		{"a map", map[string]any{"a": secret}, nested},
		{"a map with struct keys", map[point]int{{1, 2}: 3}, "msgpack"},
		{"an empty map with struct keys", map[point]int{}, "msgpack pickle"},
		{"a map with integer keys", map[int]string{1: secret}, nested},
		{"a map with boolean keys", map[bool]int{true: 1}, "msgpack pickle"},
		{"a map with float keys", map[float64]int{1.5: 1}, "msgpack pickle"},
		{"a map with NaN as a key", map[float64]int{math.NaN(): 1}, "pickle"},
		{"a map with any keys", map[any]any{secret: 1}, "msgpack pickle"},
		{"a map with array keys", map[[2]int]int{{1, 2}: 3}, "msgpack pickle"},
		{"a map with keys that Python holds equal", map[any]int{1: 1, 1.0: 2}, "msgpack"},
		{"a map with addresses as keys", map[netip.Addr]int{netip.IPv6Loopback(): 1}, nested},
		{"a map with channels as keys", map[chan int]int{nil: 1}, none},
		{"a set of Go", map[string]struct{}{secret: {}}, nested},
		{"bytes", []byte(secret), nested + " vanilla"},
		{"an array of bytes", [2]byte{1, 2}, nested},
		{"a time", time.Unix(0, 0).UTC(), nested + " vanilla"},
		{"a time beyond the year 9999", far, "msgpack"},
		{"a duration", time.Second, nested + " vanilla"},
		{"a number with a String method", time.March, nested + " vanilla"},
		{"a URL", &url.URL{Host: secret}, nested},
		{"a big integer", big.NewInt(5), nested + " vanilla"},
		{"a big integer that is no pointer", *big.NewInt(5), "msgpack pickle vanilla"},
		{"a big float", big.NewFloat(5), nested + " vanilla"},
		{"a string", secret, nested + " vanilla"},
		{"a string that is not UTF-8", secret + "\xff", "vanilla"},
		{"one in a map", map[string]any{"a": secret + "\xff"}, none},
		{"an integer", 5, nested + " vanilla"},
		{"a uintptr", uintptr(5), "json orjson"},
		{"a boolean", true, nested + " vanilla"},
		{"infinity", math.Inf(1), "msgpack pickle vanilla"},
		{"NaN", math.NaN(), "msgpack pickle vanilla"},
		{"NaN in a list", []float64{math.NaN()}, "msgpack pickle"},
		{"a list", []int{1}, nested},
		{"a list of times", []time.Time{{}}, nested},
		{"a list of any", []any{row{"1", secret}, nil}, nested},
		{"a channel deep within", map[string]any{"a": []any{secret, make(chan int)}}, none},
		{"a pointer cycle", cyclic, none},
		{"a forked cycle", forked, none},
		{"a list that holds itself", list, none},
		{"a map that holds itself", dict, none},
		{"a deep list", deep(2000), "json orjson"},
		{"nil", nil, nested},
		{"a nil pointer", (*row)(nil), nested},
		{"a nil map", map[string]int(nil), nested},
		{"a Set", pickle.Set{1, secret}, nested},
		{"a Set of lists", pickle.Set{[]any{1}}, "json msgpack orjson"},
		{"a Set of a FrozenSet", pickle.Set{pickle.FrozenSet{1, pickle.Tuple{2, []byte("x")}}}, nested},
		{"a Tuple", pickle.Tuple{1, secret}, nested},
		{"a Dict", pickle.Dict{{Key: pickle.Tuple{1}, Value: secret}}, nested},
		{"a Decimal", pickle.Decimal("1.5"), nested + " vanilla"},
		{"a Date", pickle.Date{Year: 2024, Month: 2, Day: 29}, nested},
		{"no Date", pickle.Date{Year: 2024, Month: 2, Day: 30}, "json msgpack orjson"},

		{"structs", []row{{"1", secret}}, all},
		{"no structs", []row(nil), all},
		{"pointers to structs", []*row{{"1", secret}}, all},
		{"pointers, one nil", []*row{nil}, nested},
		{"a pointer to structs", &[]row{{"1", secret}}, all},
		{"a nil pointer to structs", (*[]row)(nil), nested},
		{"structs with text that is not UTF-8", []row{{"1", secret + "\xff"}}, none},
		{"structs with a channel", []busy{{Name: secret}}, none},
		{"structs with a function", []lazy{{Name: secret}}, none},
		{"structs with a function that no codec writes", []tagged{{Name: secret}}, all},
		{"structs with a map", []deepRow{{Tags: map[string]any{"a": secret}}}, nested},
		{"structs with lists", []lists{{L: []string{secret}}}, "feather parquet " + nested},
		{"structs with lists of lists", []matrix{{[][]float64{{1}}}}, "feather parquet " + nested},
		{"structs with durations", []spans{{1}}, "feather " + nested + " parquet"},
		{"structs with times and pointers", []events{{time.Unix(0, 0), &name}}, all},
		{"structs with far times", []events{{At: far}}, "feather msgpack parquet"},
		{"structs with times in ns", []moments{{time.Unix(0, 0)}}, all},
		{"structs with old times in ns", []moments{{old}}, nested},
		{"structs with dates and categories", []days{{At: old, Cat: secret}}, all},
		{"structs with lists of categories", []cats{{[]string{secret}}}, "feather parquet " + nested},
		{"structs with decimals", []prices{{decimal128.FromI64(5)}}, tables},
		{"structs with a wrong tag", []wrongTag{{secret}}, nested},
		{"structs that embed one", []embeds{{row{"1", secret}, 1}}, all},
		{"structs that embed an exported one", []exports{{Row{1}, 1}}, all},

		{"a record", record(arrow.PrimitiveTypes.Int64, `[7]`), tables + " json orjson"},
		{"a table", tableOf(record(arrow.BinaryTypes.String, `["`+secret+`"]`)), tables},
		{"a pointer to a record", ptr(record(arrow.PrimitiveTypes.Int64, `[7]`)), "json orjson"},
		{"a record with lists", record(arrow.ListOf(arrow.PrimitiveTypes.Int64), `[[7]]`), "feather parquet json orjson"},
		{"a record with bytes", record(arrow.BinaryTypes.Binary, `["AAAA"]`), "feather parquet json orjson"},
		{"a record with structs", record(arrow.StructOf(arrow.Field{Name: "a", Type: arrow.BinaryTypes.String}), `[{"a":"b"}]`),
			"feather json orjson parquet"},
		{"a table with dates of 64 bits", tableOf(record(arrow.FixedWidthTypes.Date64, `["2024-02-29"]`)), "csv feather"},
		{"a table with durations", tableOf(record(arrow.FixedWidthTypes.Duration_s, `[5]`)), "feather parquet"},
		{"a table with a dictionary of durations", tableOf(record(&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8,
			ValueType: arrow.FixedWidthTypes.Duration_s}, `[5]`)), "feather parquet"},
		{"a table with decimals of hundreds", tableOf(record(&arrow.Decimal128Type{Precision: 5, Scale: -2}, `["500"]`)), "csv feather"},
		{"a table with decimals of a scale above their precision", tableOf(record(&arrow.Decimal128Type{Precision: 2, Scale: 4}, `["0.0012"]`)), "csv feather"},
		{"a table with a dictionary of a dictionary", tableOf(dictionaryOf(record(&arrow.DictionaryType{
			IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, `["a"]`))), none},
		{"a table with a dictionary of bools", tableOf(dictionaryOf(record(arrow.FixedWidthTypes.Boolean, `[true]`))), tables},
		{"a table with a dictionary of lists", tableOf(dictionaryOf(record(arrow.ListOf(arrow.PrimitiveTypes.Int8), `[[1]]`))), "feather parquet"},
		{"a table of another Arrow", &otherTable{tableShape{secret}}, none},
		{"a record of another Arrow", &otherRecord{otherTable{tableShape{secret}}}, "json orjson"},
		{"a table without a schema", &tableShape{secret}, none},
		{"a record without a schema", &bareRecord{tableShape{secret}}, "json orjson"},
		{"a table with a schema that wants something", &oddTable{tableShape{secret}}, none},
		{"an array", record(arrow.PrimitiveTypes.Int64, `[7]`).Column(0), "json orjson"},
	}
}

func ptr[T any](v T) *T { return &v }

func deep(n int) (value any) {
	for range n {
		value = []any{value}
	}
	return value
}

func record(t arrow.DataType, column string) arrow.Record {
	data, _, err := array.FromJSON(memory.DefaultAllocator, t, strings.NewReader(column))
	if err != nil {
		panic(err)
	}
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "a", Type: t, Nullable: true}}, nil), []arrow.Array{data}, 1)
}

// dictionaryOf makes a record of a dictionary that has a column as its values.
func dictionaryOf(values arrow.Record) arrow.Record {
	index := record(arrow.PrimitiveTypes.Int8, `[0]`).Column(0)
	typ := &arrow.DictionaryType{IndexType: index.DataType(), ValueType: values.Column(0).DataType()}
	encoded := array.NewDictionaryArray(typ, index, values.Column(0))
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "a", Type: typ}}, nil), []arrow.Array{encoded}, 1)
}

func tableOf(r arrow.Record) arrow.Table {
	return array.NewTableFromRecords(r.Schema(), []arrow.Record{r})
}
