package guard_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
	"github.com/gin-cachette/cachette/internal/guard"
)

// idle is a driver of bytes that answers without doing anything.
type idle struct{ drivers.Driver }

var answer = drivers.Item{Value: []byte("value"), ExpiresAt: time.Unix(1<<32, 0)}

func (idle) Get(context.Context, string) (drivers.Item, error) { return answer, nil }

// GetValues answers with nothing, without doing anything.
func (idle) GetValues(context.Context, ...string) ([][]byte, error) { return nil, nil }

// idles is idle on several servers.
type idles struct{ idle }

func (idles) Sharded() bool              { return true }
func (idles) ServerOf(key string) string { return key[:1] }

// BenchmarkServers is what the guard adds to a reading from a store of several servers: of a key, of keys of one server, and of keys of two.
func BenchmarkServers(b *testing.B) {
	s := guard.New(idles{}, timeout, slog.New(slog.DiscardHandler))
	ctx, cancel := s.Step(b.Context())
	defer cancel()
	for name, keys := range map[string][]string{"a key": {"a"}, "one": {"a1", "a2", "a3"}, "two": {"a1", "b1", "a2"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if len(keys) == 1 {
					_, _ = s.Get(ctx, keys[0])
				} else {
					_, _ = s.GetValues(ctx, keys...)
				}
			}
		})
	}
}

// BenchmarkGet is what the guard adds to a reading: of a store of bytes, by one goroutine and by all processors at once, as an operation of
// its own and in a step of several; and of what lives in this process.
func BenchmarkGet(b *testing.B) {
	quiet := slog.New(slog.DiscardHandler)
	bytes := guard.New(idle{}, timeout, quiet)
	b.Run("bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = bytes.Get(b.Context(), "k")
		}
	})
	b.Run("bytes, in a step", func(b *testing.B) {
		b.ReportAllocs()
		ctx, cancel := bytes.Step(b.Context())
		defer cancel()
		for b.Loop() {
			_, _ = bytes.Get(ctx, "k")
		}
	})
	b.Run("bytes, parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				_, _ = bytes.Get(context.Background(), "k")
			}
		})
	})
	memory, err := inmemory.New(inmemory.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer memory.Close()
	local := guard.New(memory, timeout, quiet)
	if err := local.Set(b.Context(), "k", answer.Value, time.Hour); err != nil {
		b.Fatal(err)
	}
	b.Run("memory", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = local.Get(b.Context(), "k")
		}
	})
}
