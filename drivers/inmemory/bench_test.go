package inmemory_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// page stands for what a cached response is.
type page struct{ body []byte }

// benchmarkKeys are as long as a response's are.
func benchmarkKeys() []string {
	keys := make([]string, 1024)
	for i := range keys {
		keys[i] = fmt.Sprintf("GET https://example.com/products/%d?page=2", i)
	}
	return keys
}

// BenchmarkGetObject is a hit, the time being at hand.
func BenchmarkGetObject(b *testing.B) {
	d := open(b, inmemory.Options{})
	keys := benchmarkKeys()
	for _, key := range keys {
		d.PutObject(key, &page{}, 1000, time.Hour)
	}
	now := time.Now()
	benchmarkHits(b, keys, func(key string) bool {
		_, ok := d.GetObject([]byte(key), now)
		return ok
	})
}

// BenchmarkOtter is the same hit without the driver: what [BenchmarkGetObject] is measured by.
func BenchmarkOtter(b *testing.B) {
	cache := otter.Must(&otter.Options[string, *page]{
		MaximumWeight: 64 << 20,
		Weigher:       func(string, *page) uint32 { return 1000 },
	})
	keys := benchmarkKeys()
	for _, key := range keys {
		cache.Set(key, &page{})
	}
	benchmarkHits(b, keys, func(key string) bool {
		_, ok := cache.GetIfPresent(key)
		return ok
	})
}

func benchmarkHits(b *testing.B, keys []string, hit func(key string) bool) {
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if !hit(keys[i%len(keys)]) {
				b.Fatal("miss")
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if !hit(keys[i%len(keys)]) {
					b.Error("miss")
					return
				}
			}
		})
	})
}

func BenchmarkGet(b *testing.B) {
	d := open(b, inmemory.Options{})
	ctx := context.Background()
	if err := d.Set(ctx, "key", make([]byte, 1000), time.Hour); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Get(ctx, "key"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPutObject(b *testing.B) {
	d := open(b, inmemory.Options{})
	keys := benchmarkKeys()
	object := &page{}
	b.Run("replace", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			d.PutObject(keys[i%len(keys)], object, 1000, time.Hour)
		}
	})
	b.Run("evict", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			d.PutObject(fmt.Sprintf("GET https://example.com/products/%d?page=2", i), object, 1000, time.Hour)
		}
	})
}
