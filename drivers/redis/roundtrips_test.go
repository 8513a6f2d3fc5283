package redis_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers/redis"
)

// counter counts round trips, but for those in which a connection introduces itself.
type counter struct{ pipelines, single atomic.Int64 }

func introduces(cmd goredis.Cmder) bool {
	switch cmd.Name() {
	case "hello", "client", "select":
		return true
	}
	return false
}

func (c *counter) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *counter) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		if !introduces(cmd) {
			c.single.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (c *counter) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		if !introduces(cmds[0]) {
			c.pipelines.Add(1)
		}
		return next(ctx, cmds)
	}
}

// TestRoundTrips counts those of callers that come alone, and of callers that come together.
func TestRoundTrips(t *testing.T) {
	for name, test := range map[string]struct {
		options redis.Options
		call    func(ctx context.Context, d *redis.Driver, key string) error
		shared  bool
	}{
		"Get":                     {redis.Options{}, get, true},
		"GetWithDeadlines":        {redis.Options{}, get, true},
		"GetWithoutAutoPipeline":  {redis.Options{NoAutoPipeline: true}, get, false},
		"GetValues":               {redis.Options{}, getValues, true},
		"ValuesWithoutPipelining": {redis.Options{NoAutoPipeline: true}, getValues, false},
		"Set":                     {redis.Options{}, set(1000), true},
		"SetLarge":                {redis.Options{}, set(10_000), false},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, func(o *goredis.Options) { o.ContextTimeoutEnabled = strings.HasSuffix(name, "WithDeadlines") })
			trips := new(counter)
			c.AddHook(trips)
			d := driver(t, c, test.options)
			key := prefix()
			if err := d.Set(t.Context(), key, []byte("value"), time.Minute); err != nil {
				t.Fatal(err)
			}
			trips.pipelines.Store(0)
			for range 10 {
				if err := test.call(t.Context(), d, key); err != nil {
					t.Fatal(err)
				}
			}
			// Where the machine stops for a moment, a caller that sends by itself gives up and sends again.
			if n, single := trips.pipelines.Load(), trips.single.Load(); n < 10 || n > 15 || single != 0 {
				t.Errorf("10 calls one after the other took %d pipelines and %d commands, want 10 and 0", n, single)
			}
			const goroutines, rounds = 64, 20
			trips.pipelines.Store(0)
			together(t, goroutines, func(int) error {
				for range rounds {
					if err := test.call(t.Context(), d, key); err != nil {
						return err
					}
				}
				return nil
			})
			n := trips.pipelines.Load()
			if test.shared && n > goroutines*rounds*9/10 {
				t.Errorf("%d calls by %d goroutines took %d round trips: hardly any is shared", goroutines*rounds, goroutines, n)
			}
			if !test.shared && n != goroutines*rounds {
				t.Errorf("%d calls took %d round trips, want each to have its own", goroutines*rounds, n)
			}
		})
	}
}

func get(ctx context.Context, d *redis.Driver, key string) error {
	_, err := d.Get(ctx, key)
	return err
}

func getValues(ctx context.Context, d *redis.Driver, key string) error {
	_, err := d.GetValues(ctx, key, key, key+"absent")
	return err
}

func set(size int) func(ctx context.Context, d *redis.Driver, key string) error {
	return func(ctx context.Context, d *redis.Driver, key string) error {
		return d.Set(ctx, key, make([]byte, size), time.Minute)
	}
}
