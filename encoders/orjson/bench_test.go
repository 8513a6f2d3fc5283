//go:build amd64 || arm64

package orjson_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bytedance/sonic"

	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/encoders/json"
	"github.com/gin-cachette/cachette/encoders/orjson"
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
	for i := range size/130 + 1 {
		at := time.Unix(int64(i), 0).UTC()
		items = append(items, item{int64(i), "a name of some length", 1.5, []string{"red", "green", "blue"}, true, at})
		maps = append(maps, map[string]any{"id": int64(i), "name": "a name of some length", "price": 1.5,
			"tags": []any{"red", "green", "blue"}, "stock": true, "at": "1970-01-01T00:00:00Z"})
	}
	return items, maps
}

// bare is sonic itself, with the options of the codec.
type bare struct{ encoders.Encoder }

var bareSonic = sonic.Config{
	SortMapKeys: true, CompactMarshaler: true, UseNumber: true, CopyString: true, ValidateString: true,
}.Froze()

func (bare) Encode(value any) ([]byte, error)  { return bareSonic.Marshal(value) }
func (bare) Decode(data []byte, dst any) error { return bareSonic.Unmarshal(data, dst) }

// Benchmark compares the codec with json and with bare sonic, in one run.
func Benchmark(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		items, maps := sized(size)
		values := []struct {
			name  string
			value any
			dst   func() any
		}{
			{"structs", items, func() any { return new([]item) }},
			{"maps", maps, func() any { return new(any) }},
		}
		codecs := []struct {
			name    string
			encoder encoders.Encoder
		}{{"codec", orjson.New()}, {"json", json.New()}, {"bare", bare{}}}
		for _, v := range values {
			data, err := json.New().Encode(v.value)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range codecs {
				b.Run(fmt.Sprintf("Encode/%s/%dKB/%s", v.name, size>>10, c.name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if _, err := c.encoder.Encode(v.value); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			for _, c := range codecs {
				b.Run(fmt.Sprintf("Decode/%s/%dKB/%s", v.name, size>>10, c.name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if err := c.encoder.Decode(data, v.dst()); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
