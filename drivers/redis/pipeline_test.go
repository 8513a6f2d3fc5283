package redis_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/redis"
	"github.com/gin-cachette/cachette/internal/bounded"
)

// hang is how long a test waits for what must come at once, and would come much later if it did not.
const hang = 4 * time.Second

// keepDeadlines makes a client keep the deadlines of contexts, as the driver's own does.
func keepDeadlines(o *goredis.Options) { o.ContextTimeoutEnabled = true }

// operations are the methods that take a context.
func operations(d *redis.Driver) map[string]func(context.Context) error {
	key := prefix()
	large := make([]byte, 100_000)
	return map[string]func(context.Context) error{
		"Get":       func(ctx context.Context) error { _, err := d.Get(ctx, key); return err },
		"Set":       func(ctx context.Context) error { return d.Set(ctx, key, []byte("value"), time.Minute) },
		"SetLarge":  func(ctx context.Context) error { return d.Set(ctx, key, large, time.Minute) },
		"Delete":    func(ctx context.Context) error { _, err := d.Delete(ctx, key); return err },
		"Clear":     func(ctx context.Context) error { _, err := d.Clear(ctx, key); return err },
		"GetValues": func(ctx context.Context) error { _, err := d.GetValues(ctx, key, key+"2"); return err },
		"Ping":      d.Ping,
	}
}

// returns returns what op returns, and fails the test if it hangs.
func returns(t *testing.T, op func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- op() }()
	select {
	case err := <-done:
		return err
	case <-time.After(hang):
		t.Fatal("it does not return")
		return nil
	}
}

// warm makes the driver know that the server is near.
func warm(t *testing.T, d *redis.Driver) {
	t.Helper()
	for range 20 {
		for name, op := range operations(d) {
			if err := op(t.Context()); err != nil && !errors.Is(err, drivers.ErrMiss) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
}

// TestStalledServer has a server swallow what it is sent. The client is as a user makes it, with timeouts of seconds that
// know nothing of contexts.
func TestStalledServer(t *testing.T) {
	for name, test := range map[string]struct {
		client  func(*goredis.Options)
		options redis.Options
	}{
		"AutoPipeline":   {func(*goredis.Options) {}, redis.Options{}},
		"NoAutoPipeline": {func(*goredis.Options) {}, redis.Options{NoAutoPipeline: true}},
		"ContextTimeout": {keepDeadlines, redis.Options{}},
		"NoTimeouts": {func(o *goredis.Options) {
			o.ReadTimeout, o.WriteTimeout = -1, -1
		}, redis.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			d := driver(t, client(t, through(p), test.client), test.options)
			warm(t, d)
			p.Hang()
			for name, op := range operations(d) {
				t.Run(name+"Deadline", func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
					defer cancel()
					if err := returns(t, func() error { return op(ctx) }); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%v, want an error that wraps context.DeadlineExceeded", err)
					}
				})
				t.Run(name+"Cancelled", func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(20*time.Millisecond, cancel)
					if err := returns(t, func() error { return op(ctx) }); !errors.Is(err, context.Canceled) {
						t.Errorf("%v, want an error that wraps context.Canceled", err)
					}
				})
				t.Run(name+"OperationTimeout", func(t *testing.T) {
					ctx := bounded.New(t.Context(), 20*time.Millisecond)
					defer ctx.Cancel()
					if err := returns(t, func() error { return op(ctx) }); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%v, want an error that wraps context.DeadlineExceeded", err)
					}
				})
				t.Run(name+"CancelledBeforeTheOperationTimeout", func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					time.AfterFunc(20*time.Millisecond, cancel)
					if err := returns(t, func() error { return op(bounded.New(ctx, time.Hour)) }); !errors.Is(err, context.Canceled) {
						t.Errorf("%v, want an error that wraps context.Canceled", err)
					}
				})
			}
			p.Cut()
			p.Resume()
			t.Run("AndGoOn", func(t *testing.T) {
				for name, op := range operations(d) {
					if err := returns(t, func() error { return op(t.Context()) }); err != nil && !errors.Is(err, drivers.ErrMiss) {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		})
	}
}

// TestStalledWhileAlone has the server stall while a caller sends by itself: it too must leave when its context ends.
func TestStalledWhileAlone(t *testing.T) {
	p := newProxy(t)
	d := driver(t, client(t, through(p), keepDeadlines), redis.Options{})
	key := prefix()
	for range 20 {
		if _, err := d.Get(t.Context(), key); !errors.Is(err, drivers.ErrMiss) {
			t.Fatal(err)
		}
	}
	p.Hang()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if err := returns(t, func() error { return get(ctx, d, key) }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want an error that wraps context.Canceled", err)
	}
}

// TestCloseWhileStalled closes a driver that waits for a server.
func TestCloseWhileStalled(t *testing.T) {
	p := newProxy(t)
	c := client(t, through(p))
	d := driver(t, c, redis.Options{})
	warm(t, d)
	p.Hang()

	under := operations(d)
	results := make(chan error, 2*len(under))
	for _, op := range under {
		for range 2 {
			go func() { results <- op(context.Background()) }()
		}
	}
	time.Sleep(20 * time.Millisecond) // for some to be under way, and some to wait
	if err := returns(t, d.Close); err != nil {
		t.Errorf("Close: %v", err)
	}
	for range cap(results) {
		if err := returns(t, func() error { return <-results }); !errors.Is(err, drivers.ErrClosed) {
			t.Errorf("an operation under way: %v, want ErrClosed", err)
		}
	}
	c.Close()
	settled(t)
}

// stacks are those of all goroutines but the tests' own.
func stacks(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&out, 1); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestOneDeadConnection has a connection die without a word: requests that come after it must not wait for it.
func TestOneDeadConnection(t *testing.T) {
	p := newProxy(t)
	d := driver(t, client(t, through(p), func(o *goredis.Options) { o.ReadTimeout = time.Minute }), redis.Options{})
	key := prefix()
	if err := d.Set(t.Context(), key, []byte("value"), time.Minute); err != nil {
		t.Fatal(err)
	}
	p.Lose()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stuck := make(chan error, 1)
	go func() {
		_, err := d.Get(ctx, key)
		stuck <- err
	}()
	time.Sleep(20 * time.Millisecond)
	for range 3 {
		err := returns(t, func() error {
			_, err := d.Get(t.Context(), key)
			return err
		})
		if err != nil {
			t.Errorf("Get beside the one that is stuck: %v", err)
		}
	}
	select {
	case err := <-stuck:
		t.Fatalf("the first Get was to be stuck, and returned %v", err)
	default:
	}
	cancel()
	if err := <-stuck; !errors.Is(err, context.Canceled) {
		t.Errorf("the first Get: %v", err)
	}
}

// TestFewDials counts connections under many requests at once.
func TestFewDials(t *testing.T) {
	for name, test := range map[string]struct {
		client  func(*goredis.Options)
		options redis.Options
	}{
		"AutoPipeline":   {func(*goredis.Options) {}, redis.Options{}},
		"NoAutoPipeline": {func(*goredis.Options) {}, redis.Options{NoAutoPipeline: true}},
		"ContextTimeout": {keepDeadlines, redis.Options{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t)
			c := client(t, through(p), test.client)
			d := driver(t, c, test.options)
			var all []func(context.Context) error
			for name, op := range operations(d) {
				if name != "Clear" { // looks at the keys of all tests
					all = append(all, op)
				}
			}
			together(t, 64, func(g int) error {
				for i := g; i < 1000; i += 64 {
					if err := all[i%len(all)](t.Context()); err != nil && !errors.Is(err, drivers.ErrMiss) {
						return err
					}
				}
				return nil
			})
			most := c.Options().PoolSize + c.Options().PipelinePoolSize + goredis.DefaultPipelinePoolSize
			if n := p.Counts().Dials; n > most {
				t.Errorf("%d connections were made for 1,000 requests of 64 goroutines, want %d at most", n, most)
			}
		})
	}
}

// TestManyAtOnce has more callers at once than a batch takes, some of which get errors of their own.
func TestManyAtOnce(t *testing.T) {
	c := client(t)
	d := driver(t, c, redis.Options{})
	prefix := prefix()
	t.Cleanup(func() { d.Clear(context.Background(), prefix) })
	if err := c.HSet(t.Context(), prefix+"hash", "field", "value").Err(); err != nil {
		t.Fatal(err)
	}
	together(t, 1000, func(g int) error {
		key := fmt.Sprint(prefix, g)
		if err := d.Set(t.Context(), key, []byte(key), time.Minute); err != nil {
			return err
		}
		if g%10 == 0 {
			if _, err := d.Get(t.Context(), prefix+"hash"); err == nil || errors.Is(err, drivers.ErrMiss) {
				return fmt.Errorf("Get of a hash: %v", err)
			}
		}
		if g%10 == 1 {
			ctx, cancel := context.WithCancel(t.Context())
			go cancel()
			if item, err := d.Get(ctx, key); err == nil && string(item.Value) != key || err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("Get with a context that ends = %q, %w", item.Value, err)
			}
		}
		item, err := d.Get(t.Context(), key)
		if err != nil || string(item.Value) != key {
			return fmt.Errorf("Get = %q, %w, want %q", item.Value, err, key)
		}
		return nil
	})
}

// panicking is a hook with a defect.
type panicking struct{ counter }

func (*panicking) ProcessPipelineHook(goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(context.Context, []goredis.Cmder) error { panic("a defect") }
}

func (*panicking) ProcessHook(goredis.ProcessHook) goredis.ProcessHook {
	return func(context.Context, goredis.Cmder) error { panic("a defect") }
}

// TestPanickingHook shows that a defect of the user's client does not end the program.
func TestPanickingHook(t *testing.T) {
	c := client(t, keepDeadlines)
	c.AddHook(new(panicking))
	d := driver(t, c, redis.Options{})
	for name, op := range operations(d) {
		for range 2 {
			if err := op(t.Context()); err == nil || !strings.Contains(err.Error(), "a defect") {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestValueGivenMayBeChanged changes a value as soon as Set has returned early, for the race detector.
func TestValueGivenMayBeChanged(t *testing.T) {
	p := newProxy(t)
	d := driver(t, client(t, through(p)), redis.Options{})
	warm(t, d) // or the connections would wait for their greeting, and read no value
	p.Hang()
	for _, size := range []int{10, 100_000} {
		value := make([]byte, size)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		if err := d.Set(ctx, prefix(), value, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Set: %v", err)
		}
		cancel()
		value[0] = 'X'
		runtime.Gosched()
	}
}
