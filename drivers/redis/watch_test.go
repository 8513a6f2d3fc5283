package redis_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/bounded"
	"github.com/gin-cachette/cachette/internal/testservers"
)

// openThrough opens a driver by its name, through a proxy.
func openThrough(t *testing.T, p *proxy.Proxy, operation time.Duration) *redis.Driver {
	t.Helper()
	where := edit(t, inDatabase(t, testservers.Find(t, testservers.Redis), sharedDatabase), func(u *url.URL) { u.Host = p.Addr() })
	d, err := opener(t)(t.Context(), drivers.Settings{
		RedisURL: where, OperationTimeout: operation, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d.(*redis.Driver)
}

// TestLargeValuesAreReadOnce reads small values and large ones in turn, over a line that takes 160 ms for a large one: none is sent twice.
func TestLargeValuesAreReadOnce(t *testing.T) {
	const size, rounds = 2 << 20, 10
	once := func(o *goredis.Options) { o.MaxRetries = -1 }
	past, key := client(t), prefix()
	t.Cleanup(func() { past.Del(context.Background(), key+"large", key+"small") })
	for name, n := range map[string]int{"large": size, "small": 10} {
		if err := past.Set(t.Context(), key+name, make([]byte, n), time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for name, open := range map[string]func(p *proxy.Proxy) *redis.Driver{
		"Opened": func(p *proxy.Proxy) *redis.Driver { return openThrough(t, p, 10*time.Second) },
		"New": func(p *proxy.Proxy) *redis.Driver {
			return driver(t, client(t, keepDeadlines, once, through(p)), redis.Options{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			d := open(p)
			p.Rate(100e6 / 8)
			before := p.Counts()
			for range rounds {
				for range 20 { // so that the driver knows that the server is near
					if _, err := d.GetValues(t.Context(), key+"small"); err != nil {
						t.Fatal(err)
					}
				}
				ctx := bounded.New(t.Context(), 10*time.Second)
				values, err := d.GetValues(ctx, key+"large")
				ctx.Cancel()
				if err != nil || len(values[0]) != size {
					t.Fatalf("%d bytes, %v", len(values[0]), err)
				}
			}
			after := p.Counts()
			// Where the machine stops for a moment, a caller that reads by itself gives up before its answer begins.
			if told := after.Told - before.Told; told > rounds*size*11/10 || after.Dials-before.Dials > rounds/2 {
				t.Errorf("%d bytes and %d new connections for %d values of %d bytes", told, after.Dials-before.Dials, rounds, size)
			}
		})
	}
}

// TestLeavingInTheMiddleOfAnAnswer: a caller that reads a large value by itself leaves when its context ends.
func TestLeavingInTheMiddleOfAnAnswer(t *testing.T) {
	past, key := client(t), prefix()
	t.Cleanup(func() { past.Del(context.Background(), key) })
	if err := past.Set(t.Context(), key, make([]byte, 4<<20), time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	p := newProxy(t)
	d := openThrough(t, p, time.Minute)
	for range 20 {
		if _, err := d.GetValues(t.Context(), key+"absent"); err != nil {
			t.Fatal(err)
		}
	}
	p.Rate(100_000) // 40 seconds
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if err := returns(t, func() error { _, err := d.GetValues(ctx, key); return err }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want an error that wraps context.Canceled", err)
	}
}

// idle makes n connections that are idle.
func idle(n int, hold func() (release func())) {
	releases := make([]func(), n)
	for i := range n {
		releases[i] = hold()
	}
	for _, release := range releases {
		release()
	}
}

// holder returns a function that has a connection of a client busy until the function that it returns is called.
func holder(t *testing.T, c *goredis.Client) func() func() {
	return func() func() {
		conn := c.Conn()
		if err := conn.Ping(context.Background()).Err(); err != nil {
			t.Error(err)
		}
		return func() { conn.Close() }
	}
}

// failures returns how many reads in a row fail, one after the other, each with an operation timeout.
func failures(t *testing.T, timeout time.Duration, read func(ctx context.Context) error) int {
	t.Helper()
	for failed := range 40 {
		ctx := bounded.New(t.Context(), timeout)
		err := read(ctx)
		ctx.Cancel()
		if err == nil || errors.Is(err, drivers.ErrMiss) {
			return failed
		}
	}
	return 40
}

// TestHalfOpenConnections loses 40 idle connections without a word.
func TestHalfOpenConnections(t *testing.T) {
	many := func(o *goredis.Options) { o.PoolSize, o.PipelinePoolSize = 50, -1 } // or the requests would go by a pool of their own
	for _, timeout := range []time.Duration{200 * time.Millisecond, 500 * time.Millisecond} {
		for name, test := range map[string]struct {
			client  func(*goredis.Options)
			options redis.Options
			read    func(ctx context.Context, d *redis.Driver) error
		}{
			"Get":       {keepDeadlines, redis.Options{}, func(ctx context.Context, d *redis.Driver) error { return get(ctx, d, "absent") }},
			"GetValues": {func(*goredis.Options) {}, redis.Options{}, func(ctx context.Context, d *redis.Driver) error { return getValues(ctx, d, "absent") }},
			"GetAlone":  {keepDeadlines, redis.Options{NoAutoPipeline: true}, func(ctx context.Context, d *redis.Driver) error { return get(ctx, d, "absent") }},
			"Delete": {keepDeadlines, redis.Options{}, func(ctx context.Context, d *redis.Driver) error {
				_, err := d.Delete(ctx, "absent")
				return err
			}},
			"SetLarge": {keepDeadlines, redis.Options{}, func(ctx context.Context, d *redis.Driver) error {
				return d.Set(ctx, "half-open", make([]byte, 100_000), time.Millisecond)
			}},
		} {
			t.Run(name+timeout.String(), func(t *testing.T) {
				t.Parallel()
				p := newProxy(t)
				c := client(t, through(p), many, test.client)
				d := driver(t, c, test.options)
				idle(40, holder(t, c))
				if n := failures(t, 10*time.Second, func(ctx context.Context) error { return test.read(ctx, d) }); n != 0 || p.Open() < 40 {
					t.Fatalf("%d reads fail, over %d connections, before any is lost", n, p.Open())
				}
				p.Lose()
				n := failures(t, timeout, func(ctx context.Context) error { return test.read(ctx, d) })
				if n > 3 {
					t.Errorf("%d reads in a row fail, want 3 at most", n)
				}
			})
		}
	}
}

// TestHalfOpenConnectionsOfACluster loses all idle connections to one of three servers.
func TestHalfOpenConnectionsOfACluster(t *testing.T) {
	c := proxiedCluster(t, func(o *goredis.ClusterOptions) { o.PoolSize, o.PipelinePoolSize = 50, -1 })
	d := driver(t, c.ClusterClient, redis.Options{})
	key := prefix()
	if _, err := d.GetValues(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	node, err := c.MasterForKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	idle(40, holder(t, node))
	p := c.proxies[node.Options().Addr]
	if p.Open() < 40 {
		t.Fatalf("%d connections are idle", p.Open())
	}
	p.Lose()
	if n := failures(t, 500*time.Millisecond, func(ctx context.Context) error { return getValues(ctx, d, key) }); n > 3 {
		t.Errorf("%d reads in a row fail, want 3 at most", n)
	}
}

// TestHalfOpenConnectionsOverTLS loses 40 idle connections, at which the client cannot see that they were closed.
func TestHalfOpenConnectionsOverTLS(t *testing.T) {
	u, err := url.Parse(testservers.Find(t, testservers.RedisTLS))
	if err != nil {
		t.Fatal(err)
	}
	p := proxy.New(t, u.Host)
	d := openURL(t, edit(t, edit(t, u.String(), withOption("pool_size", "50")), func(u *url.URL) { u.Host = p.Addr() }))
	key, large := prefix(), make([]byte, 10_000)
	p.Delay(200 * time.Millisecond) // so that each has a connection of its own
	together(t, 40, func(int) error { return d.Set(t.Context(), key, large, time.Second) })
	p.Delay(0)
	if p.Open() < 40 {
		t.Fatalf("%d connections are idle", p.Open())
	}
	for name, op := range map[string]func(ctx context.Context) error{
		"Get":    func(ctx context.Context) error { return get(ctx, d, key) },
		"Set":    func(ctx context.Context) error { return d.Set(ctx, key, large, time.Second) },
		"Append": func(ctx context.Context) error { return d.Append(ctx, key+"log", 10, time.Second, nil) },
	} {
		p.Lose()
		n := 0
		for ; n < 40; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			err := op(ctx)
			cancel()
			if err == nil || errors.Is(err, drivers.ErrMiss) {
				break
			}
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v, where all that can fail is waiting", name, err)
			}
		}
		if n > 3 {
			t.Errorf("%s: %d in a row fail, want 3 at most", name, n)
		}
	}
}

// TestCallersThatGiveUp counts the connections that are made for 60 callers that give up one after the other.
func TestCallersThatGiveUp(t *testing.T) {
	key := prefix()
	for name, op := range map[string]func(ctx context.Context, d *redis.Driver) error{
		"Get":       func(ctx context.Context, d *redis.Driver) error { return get(ctx, d, key) },
		"GetValues": func(ctx context.Context, d *redis.Driver) error { return getValues(ctx, d, key) },
		"Set": func(ctx context.Context, d *redis.Driver) error {
			return d.Set(ctx, key, []byte("value"), time.Millisecond)
		},
		"Delete": func(ctx context.Context, d *redis.Driver) error { _, err := d.Delete(ctx, key); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t)
			d := openThrough(t, p, 500*time.Millisecond)
			for range 20 {
				if err := op(t.Context(), d); err != nil && !errors.Is(err, drivers.ErrMiss) {
					t.Fatal(err)
				}
			}
			p.Delay(30 * time.Millisecond)
			before := p.Counts().Dials
			for range 60 {
				ctx := bounded.New(t.Context(), 20*time.Millisecond)
				if err := op(ctx, d); !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				ctx.Cancel()
			}
			n := p.Counts().Dials - before
			if n > 15 { // a lane has 8 at a time; one is given up for a caller that reads by itself
				t.Errorf("%d connections were made for 60 callers that gave up", n)
			}
		})
	}
}
