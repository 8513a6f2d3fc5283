package frametest

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/decimal128"

	"github.com/gin-cachette/cachette/encoders"
)

// Golden is a row of the files that make.py writes.
type Golden struct {
	Name  *string    `arrow:"name"`
	Count int        `arrow:"count"`
	Some  *int       `arrow:"some"`
	Price float64    `arrow:"price"`
	Sold  bool       `arrow:"sold"`
	At    *time.Time `arrow:"at"`

	// What CSV does not carry, or only as text.
	Day  *time.Time      `arrow:"day,date,optional"`
	Cost *decimal128.Num `arrow:"cost,decimal(10,2),optional"`
	Kind *string         `arrow:"kind,optional"`

	Index *string `arrow:"__index_level_0__,optional"`
}

// GoldenMore are the columns that CSV has no type for.
type GoldenMore struct {
	Blob []byte `arrow:"blob"`
	List []int  `arrow:"list"`
}

func ptr[T any](v T) *T { return &v }

// CheckGolden reads a file that pandas wrote.
func CheckGolden(t *testing.T, encoder encoders.Encoder, path string, more bool, index []string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got []Golden
	if err := encoder.Decode(data, &got); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	want := []Golden{
		{Name: ptr("ant"), Count: 1, Some: ptr(1), Price: 1.5, Sold: true, At: ptr(time.Date(2024, 1, 2, 3, 4, 5, 123456000, time.UTC))},
		{Count: 2, Price: math.NaN()},
		{Name: ptr(`bée, "c"`), Count: 3, Some: ptr(3), Price: 0.1, Sold: true, At: ptr(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC))},
	}
	if more {
		want[0].Day, want[0].Cost, want[0].Kind = ptr(time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC)), ptr(decimal128.FromI64(120)), ptr("x")
		want[1].Kind = ptr("y")
		want[2].Day, want[2].Cost = ptr(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)), ptr(decimal128.FromI64(340))
	}
	for i := range index {
		want[i].Index = &index[i]
	}
	if text(got) != text(want) {
		t.Errorf("%s: it is\n%swant\n%s", path, text(got), text(want))
	}
	if !more {
		return
	}
	var rest []GoldenMore
	if err := encoder.Decode(data, &rest); err != nil {
		t.Fatal(err)
	}
	if want := []GoldenMore{{[]byte("a"), []int{1, 2}}, {}, {[]byte{}, []int{}}}; !reflect.DeepEqual(rest, want) {
		t.Errorf("%s: it is %v, want %v", path, rest, want)
	}
}

// text prints rows with what their pointers point to.
func text(rows []Golden) (s string) {
	for _, row := range rows {
		v := reflect.ValueOf(row)
		for i := range v.NumField() {
			field := v.Field(i)
			if field.Kind() == reflect.Pointer && !field.IsNil() {
				field = field.Elem()
			}
			s += fmt.Sprintf("%s=%v ", v.Type().Field(i).Name, field.Interface())
		}
		s += "\n"
	}
	return s
}
