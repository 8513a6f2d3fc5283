package redis_test

import (
	"context"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers/redis"
)

// The benchmarks run each way in turn, in small rounds, as a machine that does something else meanwhile slows all of them
// alike. plain/op tells how many times as fast as a plain command of go-redis a way is.

// way is one way to do the same thing.
type way struct {
	name string
	do   func(ctx context.Context) error

	meanwhile func(ctx context.Context) error // is done again and again in the background; may be nil

	took time.Duration
}

// compare runs the ways in turn, the plain one first, in goroutines.
func compare(b *testing.B, goroutines int, ways ...*way) {
	rounds := 2048 / goroutines
	ctx := context.Background()
	round := func(w *way) {
		defer w.background(b)()
		start := time.Now()
		together(b, goroutines, func(int) error {
			for range rounds {
				if err := w.do(ctx); err != nil {
					return err
				}
			}
			return nil
		})
		w.took += time.Since(start)
	}
	for _, w := range ways {
		round(w) // dials
		w.took = 0
	}
	n := 0
	for b.Loop() {
		for _, w := range ways {
			round(w)
		}
		n += rounds * goroutines
	}
	for _, w := range ways {
		b.ReportMetric(float64(w.took.Nanoseconds())/float64(n), w.name+"-ns")
		if w != ways[0] {
			b.ReportMetric(ways[0].took.Seconds()/w.took.Seconds(), w.name+"-plain/op")
		}
	}
	b.ReportMetric(0, "ns/op") // of all ways together: it says nothing
}

// background does what is to be done meanwhile, until the function that it returns is called.
func (w *way) background(b *testing.B) (stop func()) {
	if w.meanwhile == nil {
		return func() {}
	}
	ending, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ending:
				return
			case <-time.After(2 * time.Millisecond): // as often with each way
			}
			if err := w.meanwhile(context.Background()); err != nil {
				b.Error(err)
				return
			}
		}
	}()
	return func() { close(ending); <-ended }
}

// value is a small response.
var value = make([]byte, 1024)

func BenchmarkGet(b *testing.B) {
	raw, key := client(b), prefix()
	if err := raw.Set(b.Context(), key, value, time.Hour).Err(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { raw.Del(context.Background(), key) })
	pipelined := driver(b, client(b, keepDeadlines), redis.Options{})
	alone := driver(b, client(b), redis.Options{NoAutoPipeline: true})
	theirs, err := client(b).AutoPipeline()
	if err != nil {
		b.Fatal(err)
	}
	ways := func() []*way {
		return []*way{
			{name: "plain", do: func(ctx context.Context) error { return raw.Get(ctx, key).Err() }},
			{name: "driver", do: func(ctx context.Context) error { return get(ctx, pipelined, key) }},
			{name: "alone", do: func(ctx context.Context) error { return get(ctx, alone, key) }},
			{name: "goredis", do: func(ctx context.Context) error { return theirs.Get(ctx, key).Err() }},
		}
	}
	b.Run("1", func(b *testing.B) { compare(b, 1, ways()...) })
	b.Run("4", func(b *testing.B) { compare(b, 4, ways()...) })
	b.Run("16", func(b *testing.B) { compare(b, 16, ways()...) })
	b.Run("64", func(b *testing.B) { compare(b, 64, ways()...) })
}

// BenchmarkGetBesideLargeSets reads while values of a mebibyte are written.
func BenchmarkGetBesideLargeSets(b *testing.B) {
	raw, key := client(b), prefix()
	if err := raw.Set(b.Context(), key, value, time.Hour).Err(); err != nil {
		b.Fatal(err)
	}
	d := driver(b, client(b, keepDeadlines), redis.Options{})
	b.Cleanup(func() { d.Clear(context.Background(), key) })
	large := make([]byte, 1<<20)
	compare(b, 4,
		&way{
			name:      "plain",
			do:        func(ctx context.Context) error { return raw.Get(ctx, key).Err() },
			meanwhile: func(ctx context.Context) error { return raw.Set(ctx, key+"large", large, time.Hour).Err() },
		},
		&way{
			name:      "driver",
			do:        func(ctx context.Context) error { return get(ctx, d, key) },
			meanwhile: func(ctx context.Context) error { return d.Set(ctx, key+"large", large, time.Hour) },
		},
	)
}

func BenchmarkSet(b *testing.B) {
	raw, key := client(b), prefix()
	b.Cleanup(func() { raw.Del(context.Background(), key) })
	pipelined := driver(b, client(b, keepDeadlines), redis.Options{})
	alone := driver(b, client(b), redis.Options{NoAutoPipeline: true})
	ways := func() []*way {
		return []*way{
			{name: "plain", do: func(ctx context.Context) error { return raw.Set(ctx, key, value, time.Hour).Err() }},
			{name: "driver", do: func(ctx context.Context) error { return pipelined.Set(ctx, key, value, time.Hour) }},
			{name: "alone", do: func(ctx context.Context) error { return alone.Set(ctx, key, value, time.Hour) }},
		}
	}
	b.Run("1", func(b *testing.B) { compare(b, 1, ways()...) })
	b.Run("4", func(b *testing.B) { compare(b, 4, ways()...) })
	b.Run("16", func(b *testing.B) { compare(b, 16, ways()...) })
	b.Run("64", func(b *testing.B) { compare(b, 64, ways()...) })
}

func BenchmarkGetValues(b *testing.B) {
	raw, key := client(b), prefix()
	keys := []string{key + "1", key + "2", key + "3"}
	for _, key := range keys {
		if err := raw.Set(b.Context(), key, value, time.Hour).Err(); err != nil {
			b.Fatal(err)
		}
	}
	b.Cleanup(func() { raw.Del(context.Background(), keys...) })
	d := driver(b, client(b, keepDeadlines), redis.Options{})
	ways := func() []*way {
		return []*way{
			{name: "plain", do: func(ctx context.Context) error { return raw.MGet(ctx, keys...).Err() }},
			{name: "driver", do: func(ctx context.Context) error { _, err := d.GetValues(ctx, keys...); return err }},
		}
	}
	b.Run("1", func(b *testing.B) { compare(b, 1, ways()...) })
	b.Run("4", func(b *testing.B) { compare(b, 4, ways()...) })
	b.Run("16", func(b *testing.B) { compare(b, 16, ways()...) })
	b.Run("64", func(b *testing.B) { compare(b, 64, ways()...) })
}
