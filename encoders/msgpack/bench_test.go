package msgpack_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	lib "github.com/vmihailenco/msgpack/v5"

	"github.com/gin-cachette/cachette/encoders/msgpack"
)

type item struct {
	ID    int64     `json:"id"`
	Name  string    `json:"name"`
	Price float64   `json:"price"`
	Tags  []string  `json:"tags"`
	Stock bool      `json:"stock"`
	At    time.Time `json:"at"`
}

// sized returns structs and maps of about so many bytes.
func sized(size int) ([]item, []any) {
	var items []item
	var maps []any
	for i := range size/90 + 1 {
		at := time.Unix(int64(i), 0).UTC()
		items = append(items, item{int64(i), "a name of some length", 1.5, []string{"red", "green", "blue"}, true, at})
		maps = append(maps, map[string]any{"id": int64(i), "name": "a name of some length", "price": 1.5,
			"tags": []any{"red", "green", "blue"}, "stock": true, "at": at})
	}
	return items, maps
}

// libEncode and libDecode are what a program without cachette would call.
func libEncode(value any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := lib.GetEncoder()
	defer lib.PutEncoder(encoder)
	encoder.Reset(&buffer)
	encoder.SetSortMapKeys(true)
	encoder.UseCompactInts(true)
	encoder.SetCustomStructTag("json")
	err := encoder.Encode(value)
	return buffer.Bytes(), err
}

func libDecode(data []byte, dst any) error {
	decoder := lib.GetDecoder()
	defer lib.PutDecoder(decoder)
	decoder.Reset(bytes.NewReader(data))
	decoder.SetCustomStructTag("json")
	return decoder.Decode(dst)
}

// Benchmark compares the codec with the bare library, in one run.
func Benchmark(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		items, maps := sized(size)
		data, err := libEncode(items)
		if err != nil {
			b.Fatal(err)
		}
		values := []struct {
			name  string
			value any
			dst   func() any
		}{
			{"structs", items, func() any { return new([]item) }},
			{"maps", maps, func() any { return new(any) }},
			{"text", string(bytes.Repeat([]byte("a"), size)), func() any { return new(string) }},
		}
		for _, v := range values {
			if data, err = libEncode(v.value); err != nil {
				b.Fatal(err)
			}
			encode := func(encode func(any) ([]byte, error)) func(*testing.B) {
				return func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if _, err := encode(v.value); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			decode := func(decode func([]byte, any) error) func(*testing.B) {
				return func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := decode(data, v.dst()); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			label := fmt.Sprintf("%s/%dKB", v.name, size>>10)
			b.Run("Encode/"+label+"/codec", encode(msgpack.New().Encode))
			b.Run("Encode/"+label+"/bare", encode(libEncode))
			b.Run("Decode/"+label+"/codec", decode(msgpack.New().Decode))
			b.Run("Decode/"+label+"/bare", decode(libDecode))
		}
	}
}
