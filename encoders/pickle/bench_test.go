package pickle_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	ogorek "github.com/kisielk/og-rek"
	gopickle "github.com/nlpodyssey/gopickle/pickle"

	"github.com/gin-cachette/cachette/encoders/pickle"
)

// benchValues are plain values of about 1 KB and 1 MB, which both this codec and og-rek write.
func benchValues() map[string]any {
	rows := func(n int) any {
		list := make([]any, n)
		for i := range list {
			list[i] = map[string]any{"id": i, "name": fmt.Sprint("name ", i), "price": float64(i) / 4, "tags": []any{"x", "y"}, "ok": true}
		}
		return list
	}
	return map[string]any{
		"rows/1KB": rows(12), "rows/1MB": rows(12000),
		"text/1KB": strings.Repeat("a", 1000), "text/1MB": strings.Repeat("a", 1_000_000),
	}
}

func BenchmarkEncode(b *testing.B) {
	for name, value := range benchValues() {
		b.Run(name+"/codec", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pickle.New().Encode(value); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/og-rek", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var buffer bytes.Buffer
				if err := ogorek.NewEncoderWithConfig(&buffer, &ogorek.EncoderConfig{Protocol: 4}).Encode(value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, value := range benchValues() {
		data, err := pickle.New().Encode(value)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/codec", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var got any
				if err := pickle.New().Decode(data, &got); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/og-rek", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ogorek.NewDecoder(bytes.NewReader(data)).Decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/gopickle", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				unpickler := gopickle.NewUnpickler(bytes.NewReader(data))
				if _, err := unpickler.Load(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
