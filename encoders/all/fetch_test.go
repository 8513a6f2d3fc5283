package all_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette"
)

// wrong is a destination that cannot hold what is stored. What it points to is not zero, to show a change.
type wrong struct {
	dst  any
	says string // in the error
}

// stored is a value with a destination that holds it, and some that do not.
type stored struct {
	codecs string
	value  any
	right  any // a pointer
	wrongs []wrong
}

var entries = []stored{
	{"vanilla", secret, new(string), []wrong{
		{ptr(7), "a text of 6 bytes into *int: it is not a decimal integer"},
		{ptr(true), "it is not a boolean"},
		{ptr(1.5), "it is not a number"},
		{ptr(row{"old", "old"}), "it gives back text, numbers and booleans"},
		{ptr([]string{"old"}), "it gives back text, numbers and booleans"},
		{ptr(time.Minute), "it is not a duration"},
		{ptr(time.Unix(5, 0)), "its UnmarshalText method refuses it"},
		{big.NewInt(5), "its UnmarshalText method refuses it"},
		{ptr(make(chan int)), "it gives back text"},
	}},
	{"json orjson", secret, new(string), []wrong{
		{ptr(7), "a JSON string into *int: string stands where the Go type has int"},
		{ptr(row{"old", "old"}), "string stands where the Go type has all_test.row"},
		{ptr(time.Unix(5, 0)), "refuses what stands there"},
		{big.NewInt(5), "refuses what stands there"},
		{ptr(netip.IPv6Loopback()), "refuses what stands there"},
		{ptr(map[netip.Addr]int{netip.IPv6Loopback(): 1}), "string stands where the Go type has map[netip.Addr]int"},
		{ptr(json1("5")), "refuses what stands there"},
		{ptr([]byte("old")), "illegal base64"},
		{ptr(make(chan int)), "string stands where the Go type has chan int"},
		{ptr(record(arrow.PrimitiveTypes.Int64, `[7]`)), "string stands where the Go type has arrow.Record"},
	}},
	{"json orjson", map[string]any{secret: map[string]any{"Name": []int{1}}}, new(any), []wrong{
		{ptr(map[string]row{"old": {}}), "in field Name array stands where the Go type has string"},
		{ptr(map[int]any{7: 7}), "stands where the Go type has int"},
		{ptr(map[netip.Addr]any{{}: 7}), "refuses what stands there"},
		{ptr([]row{{"old", "old"}}), "object stands where the Go type has []all_test.row"},
	}},
	{"json orjson msgpack pickle", nil, new(any), []wrong{
		{ptr(7), "fetch into a pointer or an any"},
		{ptr("old"), "fetch into a pointer or an any"},
		{ptr(row{"old", "old"}), "fetch into a pointer or an any"},
	}},
	{"msgpack", secret, new(string), []wrong{
		{ptr(7), "a string of 6 bytes into *int"},
		{ptr(row{"old", "old"}), "a string of 6 bytes into *all_test.row"},
		{ptr([]string{"old"}), "a string of 6 bytes into *[]string"},
		{ptr(time.Unix(5, 0)), "a string of 6 bytes into *time.Time"},
		{big.NewInt(5), "a method of the type refuses it"},
		{ptr([]netip.Addr{netip.IPv6Loopback()}), "a string of 6 bytes into *[]netip.Addr"},
		{ptr(make(chan int)), "a string of 6 bytes into *chan int"},
	}},
	{"msgpack", map[string]any{"Name": []string{secret}}, new(map[string]any), []wrong{
		{ptr(row{"old", "old"}), "in field Name an array of 1 element stands where the Go type has string"},
		{ptr(map[string][]netip.Addr{"old": nil}), "a method of the type refuses it"},
		{ptr(map[string][]int{"old": nil}), "a string of 6 bytes stands where the Go type has int"},
	}},
	{"pickle", secret, new(string), []wrong{
		{ptr(7), "str stands where the Go type has int"},
		{ptr(row{"old", "old"}), "str stands where the Go type has all_test.row"},
		{ptr([]byte("old")), "str"},
		{ptr(time.Unix(5, 0)), "str"},
		{big.NewInt(5), "str"},
		{ptr(netip.IPv6Loopback()), "netip.Addr, which refuses it"},
		{ptr(make(chan int)), "str stands where the Go type has chan int"},
	}},
	{"pickle", map[string]any{"Name": []string{secret}}, new(map[string]any), []wrong{
		{ptr(row{"old", "old"}), "in Name list stands where the Go type has string"},
		{ptr(map[string][]netip.Addr{"old": nil}), "in […][0] str stands where the Go type has netip.Addr, which refuses it"},
	}},
	{tables, []row{{"1", secret}}, new([]row), []wrong{
		{ptr(7), "an arrow.Record, an arrow.Table or a slice of structs"},
		{ptr(secret), "an arrow.Record, an arrow.Table or a slice of structs"},
		{ptr(any("old")), "an arrow.Record, an arrow.Table or a slice of structs"},
		{ptr(row{"old", "old"}), "an arrow.Record, an arrow.Table or a slice of structs"},
		{ptr([]time.Time{time.Unix(5, 0)}), "an arrow.Record, an arrow.Table or a slice of structs"},
		{ptr(map[string]any{"old": 1}), "an arrow.Record, an arrow.Table or a slice of structs"},
		{ptr([]busy{{Name: "old"}}), "field Done: there is no column type for chan int"},
		{ptr([]point{{7, 7}}), `"X"`},
		{ptr([]struct{ ID, Name int }{{7, 7}}), "Name"},
		{ptr([]struct{ ID, Name time.Time }{{}, {}}), "time"},
	}},
}

type json1 string

func (j *json1) UnmarshalJSON(data []byte) error { return fmt.Errorf("%s is not mine", data) }

// TestFetch: into a type that cannot hold what is stored is an error that names the type and says what is stored or what
// could hold it, changes nothing in the destination, and leaves the entry where it is.
func TestFetch(t *testing.T) {
	ctx := context.Background()
	for _, codec := range codecs {
		cache := install(t, codec)
		defer func() { _ = cache.Close() }()
		for _, entry := range entries {
			if !strings.Contains(" "+entry.codecs+" ", " "+codec+" ") {
				continue
			}
			if err := cache.Put(ctx, "k", entry.value, time.Hour); err != nil {
				t.Fatal(err)
			}
			for _, w := range entry.wrongs {
				t.Run(fmt.Sprintf("%s/%T into %T", codec, entry.value, w.dst), func(t *testing.T) { testFetch(t, cache, w) })
				if err := cache.Fetch(ctx, "k", entry.right); err != nil {
					t.Fatalf("codec %s: after the error of %T the entry is gone: %v", codec, w.dst, err)
				}
			}
			got := reflect.ValueOf(entry.right).Elem().Interface()
			if a, b := fmt.Sprint(got), fmt.Sprint(entry.value); a != b {
				t.Errorf("codec %s: the entry holds %s, want %s", codec, a, b)
			}
		}
		for _, dst := range []any{nil, (*string)(nil), "text", row{}} {
			err := cache.Fetch(ctx, "k", dst)
			if !errors.Is(err, cachette.ErrUnsupportedType) || !strings.Contains(err.Error(), fmt.Sprintf("%T", dst)) ||
				!strings.Contains(err.Error(), "give a pointer that is not nil") {
				t.Errorf("codec %s: Fetch into a %T: %v", codec, dst, err)
			}
		}
	}
}

func testFetch(t *testing.T, cache *cachette.Cache, w wrong) {
	before := fmt.Sprintf("%#v", reflect.ValueOf(w.dst).Elem())
	err := cache.Fetch(context.Background(), "k", w.dst)
	if !errors.Is(err, cachette.ErrUnsupportedType) {
		t.Fatalf("the error is %v", err)
	}
	if after := fmt.Sprintf("%#v", reflect.ValueOf(w.dst).Elem()); after != before {
		t.Errorf("the destination changed from %s to %s", before, after)
	}
	for _, part := range []string{"fetch", `"k"`, fmt.Sprintf("into %T", w.dst), w.says} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("%q shows the value", err)
	}
}
