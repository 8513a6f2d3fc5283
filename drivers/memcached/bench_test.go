package memcached_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette/internal/testservers"
)

// BenchmarkGet reads values of 1 KB, 64 at a time, with the driver, whose context has a deadline as those of requests
// have, and with a client alone. The two take turns, so that what else the machine does weighs on both: the metric is the
// driver's throughput in parts of the client's.
func BenchmarkGet(b *testing.B) {
	const goroutines, turn = 64, 2000
	c := openConfined(b, testservers.Find(b, testservers.Memcached))
	if err := c.Set(b.Context(), "key", make([]byte, 1000), time.Hour); err != nil {
		b.Fatal(err)
	}
	client := memcache.New(c.host(b))
	client.MaxIdleConns, client.Timeout = 100, 20*time.Second
	defer client.Close()
	key := c.prefix + "key"

	run := func(get func(context.Context) error) time.Duration {
		var left atomic.Int64
		left.Store(turn)
		start := time.Now()
		var running sync.WaitGroup
		for range goroutines {
			running.Go(func() {
				ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
				defer cancel()
				for left.Add(-1) >= 0 {
					if err := get(ctx); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		running.Wait()
		return time.Since(start)
	}
	ours := func(ctx context.Context) error { _, err := c.Driver.Get(ctx, key); return err }
	theirs := func(context.Context) error { _, err := client.Get(key); return err }
	run(ours)
	run(theirs)
	var driver, alone time.Duration
	for b.Loop() {
		driver += run(ours)
		alone += run(theirs)
		alone += run(theirs)
		driver += run(ours)
	}
	b.ReportMetric(float64(2*b.N*turn)/driver.Seconds(), "driver-gets/s")
	b.ReportMetric(float64(2*b.N*turn)/alone.Seconds(), "client-gets/s")
	b.ReportMetric(alone.Seconds()/driver.Seconds(), "of-client")
}
