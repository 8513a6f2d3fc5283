package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/inmemory"
)

// BenchmarkHandler measures routes beside the same routes without a cache: "raw" is the handler alone.
func BenchmarkHandler(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	b.Run("hit", func(b *testing.B) {
		engines := articles(b, cachette.Config{}, article)
		ours, raw := hitting(engines.cached), hitting(engines.bare)
		match(b, repeating(b, ours), repeating(b, raw))
		reportAllocations(b, ours, raw)
	})
	b.Run("hit-parallel", func(b *testing.B) {
		engines := articles(b, cachette.Config{}, article)
		match(b, onAllProcessors(b, engines.cached), onAllProcessors(b, engines.bare))
	})
	b.Run("miss", func(b *testing.B) {
		engines := articles(b, cachette.Config{MemoryLimit: unlimited}, article)
		ours, raw := missing(engines.cached), missing(engines.bare)
		match(b, repeating(b, ours), repeating(b, raw))
		reportAllocations(b, ours, raw)
	})
	b.Run("slow-write", func(b *testing.B) {
		engines := slowEngines(b)
		b.Run("first-byte", func(b *testing.B) {
			match(b, loading(b, engines.cached, firstByte), loading(b, engines.bare, firstByte))
		})
		b.Run("last-byte", func(b *testing.B) { match(b, loading(b, engines.cached, lastByte), loading(b, engines.bare, lastByte)) })
	})
}

// articlePath is a path of the route that is measured.
const articlePath = "/articles/4711"

// A pair is a handler behind a cache, and the same handler alone.
type pair struct{ cached, bare *gin.Engine }

// articles puts a handler behind a cache of a configuration, and alone.
func articles(b *testing.B, config cachette.Config, handler gin.HandlerFunc) pair {
	b.Helper()
	engines := pair{gin.New(), gin.New()}
	installed(b, engines.cached, config)
	engines.cached.GET("/articles/:id", cachette.Cached(time.Hour), handler)
	engines.bare.GET("/articles/:id", handler)
	engines.check(b)
	return engines
}

// article is a handler of a service: six header fields, Content-Type among them, and the document.
func article(c *gin.Context) {
	c.Header("Cache-Control", "max-age=3600")
	c.Header("ETag", `"a-strong-validator"`)
	c.Header("Last-Modified", "Tue, 01 Jul 2025 10:00:00 GMT")
	c.Header("Content-Language", "en")
	c.Header("X-Content-Type-Options", "nosniff")
	c.Data(http.StatusOK, "application/json; charset=utf-8", body)
}

// check holds both to the same answer, but for what the cache says of itself, and the cache to having it.
func (p pair) check(b *testing.B) {
	b.Helper()
	var got, want *httptest.ResponseRecorder
	for range 2 {
		got, want = httptest.NewRecorder(), httptest.NewRecorder()
		p.cached.ServeHTTP(got, newRequest())
		p.bare.ServeHTTP(want, newRequest())
	}
	if !isHit(got.Header()) {
		b.Fatalf("it is no hit: %v", got.Header())
	}
	for _, name := range []string{"Age", "Cache-Status", "Date"} {
		got.Header().Del(name)
	}
	if got.Code != want.Code || got.Body.String() != want.Body.String() || !maps.EqualFunc(got.Header(), want.Header(), slices.Equal) {
		b.Fatalf("a hit has %v, the handler %v", got.Header(), want.Header())
	}
}

func isHit(h http.Header) bool { return strings.HasPrefix(h.Get("Cache-Status"), "cachette; hit") }

func newRequest() *http.Request {
	return httptest.NewRequest(http.MethodGet, articlePath+"?lang=en&page=2", nil)
}

// hitting asks an engine for the same again and again.
func hitting(engine *gin.Engine) func() error {
	r, w := newRequest(), null()
	return func() error {
		clear(w.Header())
		engine.ServeHTTP(w, r)
		return nil
	}
}

// onAllProcessors is a side of as many goroutines as there are processors: they share what is done.
func onAllProcessors(b *testing.B, engine *gin.Engine) side {
	var all []side
	for range runtime.GOMAXPROCS(0) {
		all = append(all, repeating(b, hitting(engine)))
	}
	return func(n int) time.Duration {
		start := time.Now()
		var working sync.WaitGroup
		for i, one := range all {
			working.Go(func() { one((n + i) / len(all)) })
		}
		working.Wait()
		return time.Since(start)
	}
}

// missing asks an engine for another query each time.
func missing(engine *gin.Engine) func() error {
	r, w := newRequest(), null()
	n := 0
	return func() error {
		n++
		r.URL.RawQuery = "page=" + strconv.Itoa(n)
		r.RequestURI = articlePath + "?" + r.URL.RawQuery
		clear(w.Header())
		engine.ServeHTTP(w, r)
		return nil
	}
}

// reportAllocations reports how often each side allocates.
func reportAllocations(b *testing.B, ours, raw func() error) {
	b.Helper()
	const n = 10_000
	for name, do := range map[string]func() error{"cachette-allocs": ours, "raw-allocs": raw} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		repeating(b, do)(n)
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, name)
	}
}

const (
	workTime  = 10 * time.Millisecond  // of a handler
	writeTime = 300 * time.Millisecond // of a slow store
)

// slowEngines have a handler that works for a while, and a store that takes long to write.
func slowEngines(b *testing.B) pair {
	b.Helper()
	memory, err := inmemory.New(inmemory.Options{})
	if err != nil {
		b.Fatal(err)
	}
	store := slowStore{memory, make(chan struct{})}
	engines := articles(b, cachette.Config{
		Driver: store, OperationTimeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
	}, func(c *gin.Context) {
		time.Sleep(workTime)
		article(c)
	})
	b.Cleanup(func() { close(store.closing) }) // before the cache is closed, which may wait for what is still to be written
	return engines
}

// slowStore is a store of bytes that is slow to write, and quick to read.
type slowStore struct {
	drivers.Driver
	closing chan struct{}
}

func (s slowStore) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(writeTime):
	case <-s.closing:
	}
	return s.Driver.Set(ctx, key, value, ttl)
}

// A moment of a response is when a client has so much of it.
type moment int

const (
	firstByte moment = iota // all of the header, to be precise
	lastByte
)

// loading loads another page each time, over a socket, and takes the time until a moment of the response.
func loading(b *testing.B, engine *gin.Engine, until moment) side {
	b.Helper()
	server := httptest.NewServer(engine)
	b.Cleanup(server.Close)
	page := 0
	load := func() (took time.Duration) {
		page++
		start := time.Now()
		response, err := server.Client().Get(fmt.Sprintf("%s%s?moment=%d&page=%d", server.URL, articlePath, until, page))
		took = time.Since(start)
		if err != nil {
			b.Fatal(err)
		}
		content, err := io.ReadAll(response.Body)
		if until == lastByte {
			took = time.Since(start)
		}
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || len(content) != len(body) || isHit(response.Header) {
			b.Fatalf("status %d, %d bytes, %v, %v", response.StatusCode, len(content), response.Header, err)
		}
		return took
	}
	return func(n int) (took time.Duration) {
		for range n {
			took += load()
		}
		return took
	}
}
