package behaviour_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
)

func withCodec(name string) func(*cachette.Config) {
	return func(c *cachette.Config) { c.Codec = name }
}

func TestPutAndFetch(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	for _, key := range []string{
		"greeting", "", " ", "a:b:c", "a\x00b\r\n\xff", "cachette:x", "~r:hq//host/path", "n:~r:x", strings.Repeat("k", 100_000),
	} {
		if err := s.cache.Put(ctx, key, "value of "+key, time.Minute); err != nil {
			t.Fatalf("Put %.20q: %v", key, err)
		}
	}
	for _, key := range []string{"", "n:~r:x", "a\x00b\r\n\xff"} {
		var got string
		ttl, err := s.cache.FetchWithTTL(ctx, key, &got)
		if err != nil || got != "value of "+key {
			t.Errorf("Fetch %q = %q, %v", key, got, err)
		}
		if ttl <= 59*time.Second || ttl > time.Minute {
			t.Errorf("%q is still there for %v, want just under a minute", key, ttl)
		}
	}
	n, err := s.cache.Delete(ctx, "greeting", "nobody", " ")
	if n != 2 || err != nil {
		t.Errorf("Delete = %d, %v; want 2", n, err)
	}
	var got string
	if err := s.cache.Fetch(ctx, "greeting", &got); !errors.Is(err, cachette.ErrMiss) {
		t.Errorf("Fetch of what was deleted: %v; want ErrMiss", err)
	}
}

func TestExpiryOfValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		s := newSite(t, func(c *cachette.Config) { c.TTL = 2 * time.Second })
		put := map[string]time.Duration{"configured": 0, "short": 200 * time.Millisecond, "long": 45 * 24 * time.Hour}
		for key, ttl := range put {
			if err := s.cache.Put(ctx, key, key, ttl); err != nil {
				t.Fatal(err)
			}
		}
		left := func(key string) time.Duration {
			var value string
			ttl, err := s.cache.FetchWithTTL(ctx, key, &value)
			if errors.Is(err, cachette.ErrMiss) {
				return 0
			}
			if err != nil {
				t.Fatal(err)
			}
			return ttl
		}
		time.Sleep(200*time.Millisecond - 1)
		if left("short") != 1 {
			t.Errorf("one nanosecond before its end, %v are left", left("short"))
		}
		time.Sleep(time.Nanosecond)
		if left("short") != 0 {
			t.Error("it is there after its time to live")
		}
		if got := left("configured"); got != 1800*time.Millisecond {
			t.Errorf("of the configured 2 s, %v are left after 200 ms", got)
		}
		time.Sleep(time.Hour)
		if got := left("long").Round(time.Hour); got != (45*24-1)*time.Hour {
			t.Errorf("of 45 days, %v are left after an hour", got)
		}
	})
}

// What goes wrong with one value is told in full, and changes nothing.
func TestMistakesWithValues(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	if err := s.cache.Put(ctx, "k", "twelve", time.Minute); err != nil {
		t.Fatal(err)
	}
	number := 7
	var text string
	for _, tt := range []struct {
		name string
		err  error
		is   error
		says []string
	}{
		{"a type that the codec cannot take", s.cache.Put(ctx, "k", map[string]int{"a": 1}, 0),
			cachette.ErrUnsupportedType, []string{"put", `"k"`, "inmemory", "vanilla", "map[string]int",
				"; codec json takes the value"}},
		{"a dst that cannot hold the value", s.cache.Fetch(ctx, "k", &number),
			cachette.ErrUnsupportedType, []string{"fetch", `"k"`, "a text of 6 bytes", "*int"}},
		{"a dst that is no pointer", s.cache.Fetch(ctx, "k", text),
			cachette.ErrUnsupportedType, []string{"string", "pointer"}},
		{"no dst", s.cache.Fetch(ctx, "k", nil), cachette.ErrUnsupportedType, []string{"nil"}},
		{"a negative ttl", s.cache.Put(ctx, "k", "v", -time.Second), cachette.ErrInvalid, []string{"-1s", "negative"}},
		{"an empty namespace", s.cache.ClearNamespace(ctx, ""), cachette.ErrInvalid, []string{"flush the cache"}},
		{"a path that is none", s.cache.PurgePath(ctx, "products"), cachette.ErrInvalid, []string{`"products"`, `"/"`}},
		{"a URL for a path", s.cache.PurgePath(ctx, "http://host/products"), cachette.ErrInvalid, []string{"path"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var op *cachette.OpError
			if !errors.Is(tt.err, tt.is) || !errors.As(tt.err, &op) {
				t.Fatalf("%v is not an OpError that matches %v", tt.err, tt.is)
			}
			for _, part := range tt.says {
				if !strings.Contains(tt.err.Error(), part) {
					t.Errorf("the error %q does not say %q", tt.err, part)
				}
			}
			if strings.Contains(tt.err.Error(), "twelve") {
				t.Errorf("the error %q shows the value", tt.err)
			}
		})
	}
	if number != 7 {
		t.Errorf("the dst was changed to %d", number)
	}
	if err := s.cache.Fetch(ctx, "k", &text); err != nil || text != "twelve" {
		t.Errorf("the value is now %q, %v", text, err)
	}
}

// A long key, which may be anything, does not fill an error.
func TestErrorsAreShort(t *testing.T) {
	s := newSite(t)
	err := s.cache.Put(context.Background(), strings.Repeat("long", 1000), struct{}{}, 0)
	if err == nil || len(err.Error()) > 500 {
		t.Errorf("the error has %d bytes", len(fmt.Sprint(err)))
	}
}

// A namespace is a whole one: "user" has nothing to do with "username".
func TestClearNamespace(t *testing.T) {
	ctx := context.Background()
	s := newSite(t)
	for _, key := range []string{"user:1", "user:2", "user:", "username:1", "user", "us:er:3", "x:user:4"} {
		if err := s.cache.Put(ctx, key, key, 0); err != nil {
			t.Fatal(err)
		}
	}
	handler, runs := counted(text("hello"))
	s.GET("/in", cachette.Cached(time.Minute, cachette.WithNamespace("user")), handler)
	s.GET("/out", cachette.Cached(time.Minute, cachette.WithNamespace("username")), text("out"))
	s.get("/in")
	s.get("/out")

	if n, err := s.cache.ClearNamespaceCount(ctx, "user"); n != 4 || err != nil {
		t.Errorf("ClearNamespace = %d, %v; want 3 values and 1 response", n, err)
	}
	if n, err := s.cache.Delete(ctx, "username:1", "user", "us:er:3", "x:user:4"); n != 4 || err != nil {
		t.Errorf("%d, %v of 4 others are left", n, err)
	}
	if s.get("/in"); runs.Load() != 2 {
		t.Error("the namespace's response is still there")
	}
	if a := s.get("/out"); !a.hit() {
		t.Error("another namespace's response is gone")
	}
}

// Flush removes what this cache wrote, and nothing else that its driver holds.
func TestFlush(t *testing.T) {
	ctx := context.Background()
	driver, err := inmemory.New(inmemory.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(c *cachette.Config) { c.Driver, c.KeyPrefix = driver, "mine:" })
	s.GET("/", cachette.Cached(time.Minute), text("hello"))
	s.get("/")
	if err := s.cache.Put(ctx, "k", "v", 0); err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{"yours:k", "mine", "min", "k"} {
		if err := driver.Set(ctx, foreign, []byte("x"), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.cache.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	var value string
	if err := s.cache.Fetch(ctx, "k", &value); !errors.Is(err, cachette.ErrMiss) {
		t.Errorf("a value after Flush: %v", err)
	}
	if a := s.get("/"); a.hit() {
		t.Error("a response after Flush")
	}
	if n, err := driver.Delete(ctx, "yours:k", "mine", "min", "k"); n != 4 || err != nil {
		t.Errorf("%d of 4 foreign keys are left, %v", n, err)
	}
}

// A value's key in the store is the prefix and the key, byte for byte; with plain keys it is the key.
func TestKeysInTheStore(t *testing.T) {
	ctx := context.Background()
	for _, tt := range []struct {
		name   string
		change func(*cachette.Config)
		key    string
	}{
		{"by default", func(*cachette.Config) {}, "cachette:k:1"},
		{"with a prefix", func(c *cachette.Config) { c.KeyPrefix = "p-" }, "p-k:1"},
		{"with plain keys", func(c *cachette.Config) { c.PlainKeys = true }, "k:1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			driver, err := inmemory.New(inmemory.Options{})
			if err != nil {
				t.Fatal(err)
			}
			s := newSite(t, func(c *cachette.Config) { c.Driver, c.Codec = driver, "json" }, tt.change)
			if err := s.cache.Put(ctx, "k:1", []int{1, 2}, 0); err != nil {
				t.Fatal(err)
			}
			item, err := driver.Get(ctx, tt.key)
			if err != nil || string(item.Value) != "[1,2]" {
				t.Errorf("under %q lies %q, %v; want the codec's output", tt.key, item.Value, err)
			}
		})
	}
}

// A *gin.Context is a good context: that of its request counts.
func TestGinContext(t *testing.T) {
	s := newSite(t)
	s.GET("/", func(c *gin.Context) {
		if err := cachette.Get(c).Put(c, "k", "v", 0); err != nil {
			c.String(http.StatusInternalServerError, "%v", err)
			return
		}
		value, err := cachette.Fetch[string](c, cachette.Get(c), "k")
		c.String(http.StatusOK, "%s %v", value, err)
	})
	if a := s.get("/"); a.body != "v <nil>" {
		t.Errorf("got %q", a.body)
	}
	left, cancel := context.WithCancel(context.Background())
	cancel()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(left))
	if !strings.Contains(w.Body.String(), context.Canceled.Error()) {
		t.Errorf("with a client that has left: %q", w.Body)
	}
}

func TestFetchTyped(t *testing.T) {
	type point struct{ X, Y int }
	s := newSite(t, withCodec("json"))
	s.GET("/", func(c *gin.Context) {
		if err := cachette.Get(c).Put(c, "p", point{1, 2}, time.Minute); err != nil {
			t.Error(err)
		}
		p, ttl, err := cachette.FetchWithTTL[point](c, cachette.Get(c), "p")
		if p != (point{1, 2}) || ttl <= 59*time.Second || err != nil {
			t.Errorf("got %v, %v, %v", p, ttl, err)
		}
		if _, err := cachette.Fetch[int](c, cachette.Get(c), "p"); !errors.Is(err, cachette.ErrUnsupportedType) {
			t.Errorf("into an int: %v", err)
		}
		if _, err := cachette.Fetch[point](c, cachette.Get(c), "q"); !errors.Is(err, cachette.ErrMiss) {
			t.Errorf("of nothing: %v", err)
		}
	})
	s.get("/")
}

// FlushExpired reports what expired and was not reaped yet.
func TestFlushExpired(t *testing.T) {
	ctx := context.Background()
	now := time.Now()
	driver, err := inmemory.New(inmemory.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(c *cachette.Config) { c.Driver = driver })
	for i := range 10 {
		if err := s.cache.Put(ctx, fmt.Sprint(i), "v", time.Duration(1+i%2)*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Minute)
	for _, want := range []int{5, 0} {
		if n, err := s.cache.FlushExpired(ctx); n != want || err != nil {
			t.Errorf("FlushExpired = %d, %v; want %d", n, err, want)
		}
	}
}

// A flush on a context that has ended is an error on every store, also on one that removes what has expired by itself.
func TestFlushExpiredTooLate(t *testing.T) {
	for name, reduce := range map[string]func(drivers.Driver) drivers.Driver{
		"Sweeper":   func(d drivers.Driver) drivers.Driver { return d },
		"NoSweeper": func(d drivers.Driver) drivers.Driver { return struct{ drivers.Driver }{d} },
	} {
		driver, err := inmemory.New(inmemory.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := newSite(t, func(c *cachette.Config) { c.Driver = reduce(driver) })
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if n, err := s.cache.FlushExpired(ctx); n != 0 || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: FlushExpired = %d, %v; want context.Canceled", name, n, err)
		}
	}
}

func TestPing(t *testing.T) {
	if err := newSite(t).cache.Ping(context.Background()); err != nil {
		t.Error(err)
	}
}
