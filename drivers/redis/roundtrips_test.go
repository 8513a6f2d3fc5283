package redis_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
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

// TestReadsSeeWhatWasWrittenBefore has many callers ask for the same keys, which share commands, while they are written: none gets a
// value that is older than one that was there when it began.
func TestReadsSeeWhatWasWrittenBefore(t *testing.T) {
	c := client(t)
	d := driver(t, c, redis.Options{})
	key := prefix()
	var written atomic.Int64
	if err := d.Set(t.Context(), key, []byte("0"), time.Minute); err != nil {
		t.Fatal(err)
	}
	const writes, readers = 500, 32
	together(t, 1+readers, func(g int) error {
		for n := written.Load(); n < writes; n = written.Load() {
			if g == 0 {
				if err := d.Set(t.Context(), key, []byte(strconv.FormatInt(n+1, 10)), time.Minute); err != nil {
					return err
				}
				written.Store(n + 1)
				continue
			}
			values, err := d.GetValues(t.Context(), key, key+"absent")
			if err != nil {
				return err
			}
			if got, err := strconv.ParseInt(string(values[0]), 10, 64); err != nil || got < n || values[1] != nil {
				return fmt.Errorf("%q was read, which was written before %d was", values, n)
			}
		}
		return nil
	})
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
