package csv_test

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"github.com/gin-cachette/cachette/encoders/csv"
	"github.com/gin-cachette/cachette/encoders/encodertest"
	"github.com/gin-cachette/cachette/encoders/internal/frame/frametest"
)

type small struct {
	A int     `arrow:"a"`
	B *string `json:"b,omitempty"`
	C float64
	D bool `arrow:",optional"`
}

type word struct {
	S string `arrow:"s"`
}

type keyed struct {
	A   int    `arrow:"a"`
	Key string `arrow:"__index_level_0__"`
}

type moment struct {
	T time.Time `arrow:"t"`
	D time.Time `arrow:"d,date"`
}

type amount struct {
	D decimal128.Num `arrow:"d,decimal(5,2)"`
	C *string        `arrow:"c,dictionary"`
}

func ptr[T any](v T) *T { return &v }

// limited bounds a decoding to 1 MiB, so that the suite's bound can be small.
var limited = frametest.Boxed{Encoder: csv.New(csv.Options{Limit: 1 << 20})}

func TestConformance(t *testing.T) {
	noon := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	day := noon.Truncate(24 * time.Hour)
	encodertest.Run(t, encodertest.Suite{
		Encoder: limited,
		Cases: []encodertest.Case{
			{Value: []small{{1, ptr("x"), 1.5, true}, {-2, nil, math.NaN(), false}},
				Data: []byte(",a,b,C,D\n0,1,x,1.5,True\n1,-2,,,False\n")},
			{Value: []small{}, Data: []byte(",a,b,C,D\n")},
			{Value: []*small{{A: 1, B: ptr("")}}, Data: []byte(",a,b,C,D\n0,1,\"\",0.0,False\n")},
			{Name: "quotes", Value: []word{{`a"b`}, {"a,b"}, {"a\nb"}, {"a\rb"}, {" a "}, {"é"}, {""}, {"NA"}, {"'"}, {"\x00"}},
				Data: []byte(",s\n0,\"a\"\"b\"\n1,\"a,b\"\n2,\"a\nb\"\n3,\"a\rb\"\n4, a \n5,é\n6,\"\"\n7,NA\n8,'\n9,\x00\n")},
			{Name: "the index", Value: []keyed{{1, "x"}, {2, "y, z"}}, Data: []byte(",a\nx,1\n\"y, z\",2\n")},
			{Name: "whole seconds", Value: []moment{{noon, day}}, Data: []byte(",t,d\n0,2024-02-29 12:00:00+00:00,2024-02-29\n")},
			{Name: "parts of seconds", Value: []moment{{noon, day}, {noon.Add(5e6), day}},
				Data: []byte(",t,d\n0,2024-02-29 12:00:00.000000+00:00,2024-02-29\n1,2024-02-29 12:00:00.005000+00:00,2024-02-29\n")},
			{Value: []amount{{decimal128.FromI64(-5), ptr("red")}, {decimal128.FromI64(12345), nil}},
				Data: []byte(",d,c\n0,-0.05,red\n1,123.45,\n")},
			{Value: []struct{ F float64 }{{0.1}, {1e16}, {1e-5}, {123456789}, {math.Inf(1)}, {math.Inf(-1)}, {0}, {5e-324}, {1e15}},
				Data: []byte(",F\n0,0.1\n1,1e+16\n2,1e-05\n3,123456789.0\n4,inf\n5,-inf\n6,0.0\n7,5e-324\n8,1000000000000000.0\n")},
			{Value: []struct{ F float32 }{{0.1}, {1e-7}}, Data: []byte(",F\n0,0.1\n1,1e-07\n")},
			{Value: frametest.Rows(10)},
			{Value: frametest.FlatModels(5)},
		},
		Refuses: []any{
			nil, 5, "text", []int{1}, small{}, arrow.Record(nil), []*small{nil}, []struct{ A any }{{1}},
			[]struct{ D time.Duration }{{1}}, []struct{ B []byte }{{}}, []struct{ L []int }{{}}, frametest.Mores(1), []struct{ S string }{{"caf\xe9"}},
			[]moment{{T: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}},
		},
		RefusesInto: []encodertest.Into{
			{Value: []small{{}}, Dst: ptr(7), Holds: "table"},
			{Value: []small{{}}, Dst: ptr(any("old")), Holds: "table"},
			{Value: []small{{}}, Dst: &[]struct{ L []int }{{[]int{1}}}, Holds: "table"},
			{Data: []byte(",a\n0,x\n"), Dst: &[]keyed{{1, "old"}}, Holds: "table"},
			{Name: "missing", Data: []byte(",a\n0,5\n"), Dst: &[]word{{"old"}}},
			{Name: "null", Data: []byte(",a\nx,\n"), Dst: &[]keyed{{1, "old"}}},
			{Name: "too large", Data: []byte(",a\n0,300\n"), Dst: &[]struct {
				A int8 `arrow:"a"`
			}{{1}}},
			{Name: "too exact", Data: []byte(",d,c\n0,1.234,\n"), Dst: &[]amount{{}}},
		},
		AllocBase: 4 << 20,
	})
}

// TestTypesAreInferred as pandas.read_csv infers them.
func TestTypesAreInferred(t *testing.T) {
	tests := []struct{ name, values, want string }{
		{"integers", "1,-2,+3", "int64"},
		{"spaces", " 1,2 ,3", "int64"},
		{"integers and nulls", "1,,NaN", "int64"},
		{"large", "1,18446744073709551615,", "uint64"},
		{"larger", "1,18446744073709551616,", "float64"},
		{"large and negative", "-1,18446744073709551615,", "float64"},
		{"floats", "1,2.5,1e-3", "float64"},
		{"infinity", "1,inf,-Infinity", "float64"},
		{"nulls", ",NA,null", "float64"},
		{"booleans", "True,false,TRUE", "bool"},
		{"booleans and numbers", "True,1,0", "utf8"},
		{"strings", "a,b,c", "utf8"},
		{"hexadecimal", "0x10,0x1p-2,1", "utf8"},
		{"underscores", "1_000,2,3", "utf8"},
		{"times", "2024-01-02,2024-01-02,", "utf8"},
		{"nan is null", "nan,1.5,2", "float64"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var record arrow.Record
			lines := strings.Split(test.values, ",")
			if err := limited.Decode([]byte(",x\n0,"+lines[0]+"\n1,"+lines[1]+"\n2,"+lines[2]+"\n"), &record); err != nil {
				t.Fatal(err)
			}
			if got := record.Schema().Field(0).Type.Name(); got != test.want || record.NumCols() != 1 {
				t.Errorf("it is %s, want %s; %v", got, test.want, record)
			}
		})
	}
}

func TestWhatPandasTakes(t *testing.T) {
	tests := []struct {
		name, data string
		want       []small
	}{
		{"lines end with CR LF", ",a,b,C\r\n0,1,x,2.0\r\n\r\n1,2,,3\r\n", []small{{1, ptr("x"), 2, false}, {2, nil, 3, false}}},
		{"no newline at the end", ",a,b,C\n0,1,x,2", []small{{1, ptr("x"), 2, false}}},
		{"whole floats", ",a,b,C\n0,1.0,x,2\n", []small{{1, ptr("x"), 2, false}}},
		{"a short line", ",a,b,C\n0,1\n", []small{{1, nil, math.NaN(), false}}},
		{"a byte order mark", "\ufeff,a,b,C\n0,1,x,2\n", []small{{1, ptr("x"), 2, false}}},
		{"another order", ",C,unknown,b,a\n0,2,x,y,1\n", []small{{1, ptr("y"), 2, false}}},
		{"a quote within", ",a,b,C\n0,1,x\"y,2\n", []small{{1, ptr(`x"y`), 2, false}}},
		{"text after a quote", ",a,b,C\n0,1,\"x\"y,2\n", []small{{1, ptr(`xy`), 2, false}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []small
			if err := limited.Decode([]byte(test.data), &got); err != nil {
				t.Fatal(err)
			}
			// NaN differs from itself.
			data, _ := limited.Encode(got)
			want, _ := limited.Encode(test.want)
			if string(data) != string(want) {
				t.Errorf("it is %s, want %s", data, want)
			}
		})
	}
}

type alias string

type texts struct {
	S string  `arrow:"s,optional"`
	N alias   `arrow:"n,optional"`
	D string  `arrow:"d,dictionary,optional"`
	P *string `arrow:"p,optional"`
	Q *string `arrow:"q,dictionary,optional"`
}

// TestEmptyTexts: pandas writes nothing for an empty text, as for a missing one. Only a pointer tells them apart, where the
// file does.
func TestEmptyTexts(t *testing.T) {
	tests := []struct {
		name, data string
		want       []texts
	}{
		{"empty", ",s,n,d,p,q\n0,,,,,\n", []texts{{}}},
		{"quoted", ",s,n,d,p,q\n0,\"\",\"\",\"\",\"\",\"\"\n", []texts{{P: ptr(""), Q: ptr("")}}},
		{"a short line", ",s,n,d,p,q\n0,x\n", []texts{{S: "x"}}},
		{"a line without fields", ",s,p\n0\n", []texts{{}}},
		{"not what pandas takes for null", ",s,n,d,p,q\n0,NA,nan,null,NaN,None\n",
			[]texts{{"NA", "nan", "null", ptr("NaN"), ptr("None")}}},
		{"among others", ",s,d,p\n0,x,y,z\n1,,,\n2, ,\"\",\"\"\n", []texts{{S: "x", D: "y", P: ptr("z")}, {}, {S: " ", P: ptr("")}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []texts
			if err := limited.Decode([]byte(test.data), &got); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("it is %+v, %v, want %+v", got, err, test.want)
			}
			var pointers []*texts
			if err := limited.Decode([]byte(test.data), &pointers); err != nil || !reflect.DeepEqual(pointers[0], &test.want[0]) {
				t.Errorf("as pointers it is %+v, %v", pointers, err)
			}
		})
	}
	// Other types have no value for it.
	for name, dst := range map[string]any{
		"int": &[]field[int]{}, "uint8": &[]field[uint8]{}, "bool": &[]field[bool]{}, "time": &[]field[time.Time]{},
	} {
		for _, cell := range []string{"", `""`, "NA"} {
			err := limited.Decode([]byte(",a,b\n0,"+cell+",x\n"), dst)
			if err == nil || !strings.Contains(err.Error(), `column "a", row 0: it is null`) {
				t.Errorf("%s: %q gives the error %v", name, cell, err)
			}
		}
	}
	var record arrow.Record
	err := limited.Decode([]byte(",s\n0,\n1,\"\"\n2,x\n"), &record)
	if err != nil || !record.Column(0).IsNull(0) || record.Column(0).IsNull(1) {
		t.Errorf("a record has %v, %v: want null and an empty text", record, err)
	}
}

type field[T any] struct {
	A T `arrow:"a"`
}

func TestWhatIsNoTableIsAnError(t *testing.T) {
	for data, want := range map[string]string{
		"":               "empty",
		"\n\n":           "empty",
		",a\n0,1,2\n":    "line 2 has 3 fields",
		",a\n0,\"1\n":    "not closed",
		",a\n0,\xff\n":   "UTF-8",
		",\"a\n0,\xff\n": "UTF-8",
	} {
		var record arrow.Record
		if err := limited.Decode([]byte(data), &record); err == nil || !strings.Contains(err.Error(), want) || record != nil {
			t.Errorf("%q: the error is %v, want %q", data, err, want)
		}
	}
}

// TestTheIndexSurvives: what pandas wrote comes out the same.
func TestTheIndexSurvives(t *testing.T) {
	for _, data := range []string{
		",a,b\n0,1,x\n1,2,\n", ",a\nx,1\ny,2\n", "key,a\nx,1\ny,2\n", ",a\n1,5\n0,6\n", ",a\n", "\"\"\n0\n1\n", "key\nx\n", ",a,Unnamed: 2\n0,1,2\n",
	} {
		var record arrow.Record
		if err := limited.Decode([]byte(data), &record); err != nil {
			t.Errorf("%q: %v", data, err)
			continue
		}
		if again, err := limited.Encode(record); err != nil || string(again) != data {
			t.Errorf("%q came back as %q, %v", data, again, err)
		}
	}
	var record arrow.Record
	if err := limited.Decode([]byte(",a,a,\n0,1,2,3\n"), &record); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, field := range record.Schema().Fields() {
		names = append(names, field.Name)
	}
	if want := []string{"a", "a.1", "Unnamed: 3"}; !reflect.DeepEqual(names, want) {
		t.Errorf("the columns are %q, want %q", names, want)
	}
}
