package bench

import (
	"reflect"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/csv"
	"github.com/gin-cachette/cachette/encoders/feather"
	jsoncodec "github.com/gin-cachette/cachette/encoders/json"
	"github.com/gin-cachette/cachette/encoders/msgpack"
	"github.com/gin-cachette/cachette/encoders/orjson"
	"github.com/gin-cachette/cachette/encoders/parquet"
	"github.com/gin-cachette/cachette/encoders/pickle"
	"github.com/gin-cachette/cachette/encoders/vanilla"
)

// A subject is a codec at work, beside its library.
type subject struct {
	name    string
	codec   encoders.Encoder
	library library
	value   func(size int) any
	fresh   func() any // what to decode into: it is new each time, on both sides
	plain   func(got any) any
}

func into[T any]() any { return new(T) }

func documents(size int) any { return orders(size) }
func texts(size int) any     { return text(size) }
func blobs(size int) any     { return []byte(text(size)) }

func frames(kinds []kind) func(size int) any {
	return func(size int) any { return frame(size, kinds) }
}

// subjects are the codecs, with structs and with what each else is made for: -any is maps, slices, and an any to decode into,
// and -text is one long string. Feather's name alone is LZ4, as it is by default.
var subjects = []subject{
	{"vanilla", vanilla.New(), bareText, texts, into[string], nil},
	{"vanilla-bytes", vanilla.New(), bareBytes, blobs, into[[]byte], nil},
	{"json", jsoncodec.New(), bareJSON, documents, into[[]order], nil},
	{"json-any", jsoncodec.New(), bareNumbers, tree, into[any], nil},
	{"json-text", jsoncodec.New(), bareJSON, texts, into[string], nil},
	{"orjson", orjson.New(), bareSonic, documents, into[[]order], nil},
	{"orjson-any", orjson.New(), bareSonic, tree, into[any], nil},
	{"orjson-text", orjson.New(), bareSonic, texts, into[string], nil},
	{"msgpack", msgpack.New(), bareMsgpack, documents, into[[]order], nil},
	{"msgpack-any", msgpack.New(), bareMsgpack, tree, into[any], plain}, // the library has uint64 where it reads no sign
	{"msgpack-text", msgpack.New(), bareMsgpack, texts, into[string], nil},
	{"pickle-any", pickle.New(), barePickle, tree, into[any], plain}, // og-rek has maps with keys of any type
	{"pickle-text", pickle.New(), barePickle, texts, into[any], nil},
	{"csv", csv.New(csv.Options{}), bareCSV, frames(flat), into[arrow.Record], columns},
	{"feather", feather.New(feather.Options{}), bareFeather(ipc.WithLZ4()), frames(eight), into[arrow.Record], nil},
	{"feather-zstd", feather.New(feather.Options{Compression: feather.ZSTD}), bareFeather(ipc.WithZstd()),
		frames(eight), into[arrow.Record], nil},
	{"feather-none", feather.New(feather.Options{Compression: feather.None}), bareFeather(),
		frames(eight), into[arrow.Record], nil},
	{"parquet", parquet.New(parquet.Options{}), bareParquet, frames(typed), into[arrow.Table], columns},
}

// BenchmarkCodec measures what each codec does beside what its library does for the same: the same value, and the same
// outcome.
func BenchmarkCodec(b *testing.B) {
	for _, s := range subjects {
		b.Run(s.name, func(b *testing.B) {
			for _, size := range sizes {
				b.Run(size.name, func(b *testing.B) { s.measure(b, s.value(size.bytes)) })
			}
		})
	}
}

func (s subject) measure(b *testing.B, value any) {
	data := s.check(b, value)
	b.Run("encode", func(b *testing.B) {
		duel(b,
			func() error { _, err := s.codec.Encode(value); return err },
			func() error { _, err := s.library.encode(value); return err })
	})
	b.Run("decode", func(b *testing.B) {
		duel(b,
			func() error { return s.codec.Decode(data, s.fresh()) },
			func() error { return s.library.decode(data, s.fresh()) })
	})
}

// check holds both sides to the same outcome: each reads in what the codec has written what the other does, and the codec
// reads the same in what the library has written. It returns what the codec has written.
func (s subject) check(b *testing.B, value any) []byte {
	b.Helper()
	ours, err := s.codec.Encode(value)
	if err != nil {
		b.Fatal(err)
	}
	theirs, err := s.library.encode(value)
	if err != nil {
		b.Fatal(err)
	}
	want := s.read(b, s.codec.Decode, ours)
	if !equal(s.read(b, s.library.decode, ours), want) {
		b.Fatal("the codec and the library do not read the same")
	}
	if !equal(s.read(b, s.codec.Decode, theirs), want) {
		b.Fatal("the codec and the library do not write the same")
	}
	return ours
}

func (s subject) read(b *testing.B, decode func([]byte, any) error, data []byte) any {
	b.Helper()
	dst := s.fresh()
	if err := decode(data, dst); err != nil {
		b.Fatal(err)
	}
	got := reflect.ValueOf(dst).Elem().Interface()
	if s.plain != nil {
		got = s.plain(got)
	}
	return got
}

func equal(a, b any) bool {
	first, ok := a.(arrow.Record)
	if !ok {
		return reflect.DeepEqual(a, b)
	}
	second, ok := b.(arrow.Record)
	return ok && first.NumRows() > 0 && first.Schema().Equal(second.Schema()) && array.RecordEqual(first, second)
}

// columns makes a record of the columns alone: libraries leave marks of their own in a schema's metadata.
func columns(got any) any {
	table, ok := got.(arrow.Table)
	if record, isRecord := got.(arrow.Record); isRecord {
		table, ok = array.NewTableFromRecords(record.Schema(), []arrow.Record{record}), true
	}
	if !ok {
		return got
	}
	var fields []arrow.Field
	for _, field := range table.Schema().Fields() {
		fields = append(fields, arrow.Field{Name: field.Name, Type: field.Type, Nullable: true})
	}
	var arrays []arrow.Array
	for i := range fields {
		arrays = append(arrays, table.Column(i).Data().Chunk(0))
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), arrays, table.NumRows())
}

// BenchmarkOrjson measures orjson beside json: "raw" is json here.
func BenchmarkOrjson(b *testing.B) {
	slow := jsoncodec.New()
	for _, s := range []subject{
		{"structs", orjson.New(), library{slow.Encode, slow.Decode}, documents, into[[]order], nil},
		{"any", orjson.New(), library{slow.Encode, slow.Decode}, tree, into[any], nil},
	} {
		b.Run(s.name, func(b *testing.B) {
			for _, size := range sizes {
				b.Run(size.name, func(b *testing.B) { s.measure(b, s.value(size.bytes)) })
			}
		})
	}
}
