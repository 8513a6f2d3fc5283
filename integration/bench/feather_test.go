package bench

import (
	"context"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders/feather"
)

// million is the number of rows of a large frame.
const million = 1_000_000

// BenchmarkFeatherFetch measures a fetch of 1,000,000 rows and 8 columns from memory beside arrow/ipc, which reads the same
// bytes. What is not compressed is the frame that the codec does not copy.
func BenchmarkFeatherFetch(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	large := frameOf(million, eight)
	for _, way := range []struct {
		name        string
		compression feather.Compression
	}{{"none", feather.None}, {"lz4", feather.LZ4}, {"zstd", feather.ZSTD}} {
		b.Run(way.name, func(b *testing.B) {
			codec := feather.New(feather.Options{Compression: way.compression})
			cache := installed(b, gin.New(), cachette.Config{Encoder: codec, MemoryLimit: 256 << 20})
			if err := cache.Put(b.Context(), key, large, time.Hour); err != nil {
				b.Fatal(err)
			}
			data, err := codec.Encode(large)
			if err != nil {
				b.Fatal(err)
			}
			fetch := func() (got arrow.Record, err error) { return got, cache.Fetch(b.Context(), key, &got) }
			read := func() (got arrow.Record, err error) { return got, readIPC(data, &got) }
			for _, side := range []func() (arrow.Record, error){fetch, read} {
				if got, err := side(); err != nil || !array.RecordEqual(got, large) {
					b.Fatalf("it is not what was stored: %v", err)
				}
			}
			duel(b,
				func() error { _, err := fetch(); return err },
				func() error { _, err := read(); return err })
		})
	}
}

// installed puts a cache on an engine.
func installed(tb testing.TB, engine *gin.Engine, config cachette.Config) *cachette.Cache {
	tb.Helper()
	cache, err := cachette.Install(engine, func() (cachette.Config, error) { return config, nil })
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = cache.Close() })
	return cache
}

// giver is a store that has one value, and gives the very bytes of it to its reader.
type giver struct {
	drivers.Driver
	data []byte
}

func (g giver) Get(context.Context, string) (drivers.Item, error) {
	return drivers.Item{Value: g.data, ExpiresAt: time.Now().Add(time.Hour)}, nil
}

func (giver) Close() error { return nil }

// TestFeatherFetchCopiesNothing: all buffers of what is fetched lie in the bytes that the store has handed over, and little
// is allocated beside them.
func TestFeatherFetchCopiesNothing(t *testing.T) {
	gin.SetMode(gin.ReleaseMode)
	codec := feather.New(feather.Options{Compression: feather.None})
	want := frameOf(million/10, eight)
	data, err := codec.Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	cache := installed(t, gin.New(), cachette.Config{Encoder: codec, Driver: giver{data: data}})

	var record arrow.Record
	var table arrow.Table
	for _, dst := range []any{&record, &table} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := cache.Fetch(t.Context(), key, dst); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if used, most := after.TotalAlloc-before.TotalAlloc, uint64(len(data)/50); used > most {
			t.Errorf("a fetch into %T of %d bytes allocates %d, want %d at most", dst, len(data), used, most)
		}
	}
	if !array.RecordEqual(record, want) {
		t.Error("what is fetched is not what was stored")
	}
	for i := range int(want.NumCols()) {
		name := want.ColumnName(i)
		ofTable := table.Column(i).Data().Chunks()
		if len(ofTable) != 1 || !array.Equal(ofTable[0], want.Column(i)) {
			t.Fatalf("column %s of the table is not what was stored", name)
		}
		for _, column := range []arrow.ArrayData{record.Column(i).Data(), ofTable[0].Data()} {
			if n := copies(data, column); n > 0 {
				t.Errorf("column %s has %d buffers outside of the data", name, n)
			}
		}
	}
}

// copies counts the buffers of a column that do not lie in data.
func copies(data []byte, column arrow.ArrayData) (n int) {
	for _, buffer := range column.Buffers() {
		if !within(data, buffer) {
			n++
		}
	}
	if values, ok := column.Dictionary().(*array.Data); ok && values != nil {
		n += copies(data, values)
	}
	return n
}

func within(data []byte, buffer *memory.Buffer) bool {
	if buffer == nil || buffer.Len() == 0 {
		return true
	}
	start, at := uintptr(unsafe.Pointer(&data[0])), uintptr(unsafe.Pointer(&buffer.Bytes()[0]))
	return at >= start && at < start+uintptr(len(data))
}
