package all_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/encoders"
	_ "github.com/gin-cachette/cachette/encoders/all"
)

var codecs = []string{"csv", "feather", "json", "msgpack", "orjson", "parquet", "pickle", "vanilla"}

// install makes a cache that uses a codec. In a bubble it is to be closed there.
func install(t *testing.T, codec string) *cachette.Cache {
	t.Helper()
	gin.SetMode(gin.TestMode)
	cache, err := cachette.Install(gin.New(), func() (cachette.Config, error) {
		return cachette.Config{Backend: "inmemory", Codec: codec}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// fine is a value that a codec takes, and a function that makes what it is fetched into.
func fine(codec string) (value any, dst func() any) {
	if strings.Contains(tables, codec) {
		return []row{{"1", "before"}}, func() any { return new([]row) }
	}
	return "before", func() any { return new(string) }
}

// isFine reports whether what was fetched into dst is the value of fine.
func isFine(dst any) bool {
	if rows, ok := dst.(*[]row); ok {
		return slices.Equal(*rows, []row{{"1", "before"}})
	}
	return *dst.(*string) == "before"
}

// TestPut: every codec takes a value, or refuses it with an error that names its type and the codecs that take it, and
// then nothing is written.
func TestPut(t *testing.T) {
	for _, codec := range codecs {
		t.Run(codec, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache := install(t, codec)
				defer func() { _ = cache.Close() }()
				for _, v := range values() {
					testPut(t, cache, codec, v)
				}
			})
		})
	}
}

func testPut(t *testing.T, cache *cachette.Cache, codec string, v given) {
	ctx := context.Background()
	before, dst := fine(codec)
	if err := cache.Put(ctx, "there", before, time.Minute); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // of the bubble

	err, again := cache.Put(ctx, "fresh", v.value, time.Hour), cache.Put(ctx, "there", v.value, time.Hour)
	defer func() { _, _ = cache.Delete(ctx, "fresh", "there") }()
	if takes := slices.Contains(strings.Fields(v.takes), codec); takes != (err == nil) || takes != (again == nil) {
		t.Errorf("%s: codec %s takes it: %v; Put: %v, %v", v.name, codec, takes, err, again)
	}
	if err == nil {
		return
	}

	if n, err := cache.Delete(ctx, "fresh"); n != 0 || err != nil {
		t.Errorf("%s: something was written for what was refused (%v)", v.name, err)
	}
	got := dst()
	if ttl, err := cache.FetchWithTTL(ctx, "there", got); err != nil || ttl != 59*time.Second || !isFine(got) {
		t.Errorf("%s: the old entry has %v left and holds %v (%v), want it as it was with 59s", v.name, ttl, got, err)
	}
	checkPutError(t, err, codec, v)
}

func checkPutError(t *testing.T, err error, codec string, v given) {
	if !outOfRange(v) && !errors.Is(err, cachette.ErrUnsupportedType) {
		t.Errorf("%s: %q does not match ErrUnsupportedType", v.name, err)
	}
	if typ := fmt.Sprintf("%T", v.value); !strings.Contains(err.Error(), "codec "+codec+" cannot encode "+typ) {
		t.Errorf("%s: %q does not name the codec and the type %s", v.name, err, typ)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("%s: %q shows the value", v.name, err)
	}
	if !errors.Is(err, cachette.ErrUnsupportedType) {
		return
	}
	unsupported := new(encoders.UnsupportedTypeError)
	if !errors.As(err, &unsupported) || unsupported.Asked == slices.Contains(endless, v.name) {
		t.Errorf("%s: %#v: the other codecs were asked: %v", v.name, err, unsupported.Asked)
	}
	want := slices.DeleteFunc(giversOf(v.value), func(name string) bool { return name == codec })
	if got := named(err, codec); !slices.Equal(got, want) {
		t.Errorf("%s: %q names the codecs %v, want %v", v.name, err, got, want)
	}
	if !slices.Equal(unsupported.Takers, want) {
		t.Errorf("%s: the error has the takers %v, want %v", v.name, unsupported.Takers, want)
	}
}

// outOfRange says that it is not the type that is refused.
func outOfRange(v given) bool {
	return strings.Contains(v.name, "year 9999") || strings.Contains(v.name, "far times")
}

var codecName = regexp.MustCompile(`\b(` + strings.Join(codecs, "|") + `)\b(\.?)`)

// named returns the codecs that a message names beside the one that is used. The name of a type is none.
func named(err error, codec string) (names []string) {
	for _, match := range codecName.FindAllStringSubmatch(err.Error(), -1) {
		if match[1] != codec && match[2] == "" && !slices.Contains(names, match[1]) {
			names = append(names, match[1])
		}
	}
	slices.Sort(names)
	return names
}

// TestTheTakersAreThose: what the table says is what the codecs say.
func TestTheTakersAreThose(t *testing.T) {
	for _, v := range values() {
		want := strings.Fields(v.takes)
		slices.Sort(want)
		if takers := takersOf(v.value); !slices.Equal(takers, want) {
			t.Errorf("%s is taken by %v, want %v", v.name, takers, want)
		}
		want = slices.DeleteFunc(want, func(name string) bool { return slices.Contains(strings.Fields(keepers[v.name]), name) })
		if givers := giversOf(v.value); !slices.Equal(givers, want) {
			t.Errorf("%s is given back by %v, want %v", v.name, givers, want)
		}
	}
}

// takersOf asks each codec whether it takes a value.
func takersOf(value any) (names []string) {
	for _, name := range codecs {
		encoder, _ := encoders.Lookup(name)
		if _, err := encoder.Encode(value); err == nil {
			names = append(names, name)
		}
	}
	return names
}

// giversOf asks those which take it whether they give it back in a variable of its type, or of the type that it points to.
// Where that shows no fields, as that of a record of Arrow does, which is fetched into an interface, to take it counts.
func giversOf(value any) (names []string) {
	t := reflect.TypeFor[any]()
	if value != nil {
		t = reflect.TypeOf(value)
	}
	shown := t
	for shown.Kind() == reflect.Pointer {
		shown = shown.Elem()
	}
	exported := func(field reflect.StructField) bool { return field.IsExported() }
	for _, name := range takersOf(value) {
		encoder, _ := encoders.Lookup(name)
		data, _ := encoder.Encode(value)
		if shown.Kind() == reflect.Struct && !slices.ContainsFunc(reflect.VisibleFields(shown), exported) ||
			encoder.Decode(data, reflect.New(t).Interface()) == nil ||
			t.Kind() == reflect.Pointer && encoder.Decode(data, reflect.New(t.Elem()).Interface()) == nil {
			names = append(names, name)
		}
	}
	return names
}

// refuser is a codec that takes nothing, and is not linked.
type refuser struct{ encoders.Encoder }

func (refuser) Name() string { return "refuser" }

func (refuser) Encode(value any) ([]byte, error) {
	return nil, encoders.Unsupported("refuser", "encode", value, "", "")
}
