package json_test

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/encoders/internal/jsontest"
	"github.com/gin-cachette/cachette/encoders/json"
)

func TestCodec(t *testing.T) { jsontest.Run(t, json.New(), 0) }

func FuzzDecode(f *testing.F) { jsontest.Fuzz(f, json.New()) }

func second(_ []byte, err error) error { return err }

type item struct {
	ID    int64     `json:"id"`
	Name  string    `json:"name"`
	Price float64   `json:"price"`
	Tags  []string  `json:"tags"`
	Stock bool      `json:"stock"`
	At    time.Time `json:"at"`
}

// Benchmark compares the codec with bare encoding/json, in one run. Into an any, bare is a decoder with UseNumber, for
// json.Unmarshal loses digits.
func Benchmark(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		var items []item
		var maps []any
		for i := range size/130 + 1 {
			tags := []string{"red", "green", "blue"}
			items = append(items, item{int64(i), "a name of some length", 1.5, tags, true, time.Unix(int64(i), 0).UTC()})
			maps = append(maps, map[string]any{"id": i, "name": "a name of some length", "price": 1.5, "tags": tags, "stock": true})
		}
		run := func(name string, call func() error) {
			b.Run(fmt.Sprintf("%s/%dKB", name, size>>10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := call(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		data, _ := json.New().Encode(items)
		run("Encode/structs/codec", func() error { return second(json.New().Encode(items)) })
		run("Encode/structs/bare", func() error { return second(stdjson.Marshal(items)) })
		run("Decode/structs/codec", func() error { return json.New().Decode(data, new([]item)) })
		run("Decode/structs/bare", func() error { return stdjson.Unmarshal(data, new([]item)) })
		loose, _ := json.New().Encode(maps)
		run("Encode/maps/codec", func() error { return second(json.New().Encode(maps)) })
		run("Encode/maps/bare", func() error { return second(stdjson.Marshal(maps)) })
		run("Decode/maps/codec", func() error { return json.New().Decode(loose, new(any)) })
		run("Decode/maps/bare", func() error {
			reader := stdjson.NewDecoder(bytes.NewReader(loose))
			reader.UseNumber()
			return reader.Decode(new(any))
		})
	}
}
