package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/internal/testservers"
)

const (
	fewPages, manyPages = 100, 100_000
	tagsOfAll           = 32 // that each of the pages has
)

// BenchmarkInvalidate measures Invalidate of a tag that 100,000 pages have ("cachette") beside that of one that 100 have ("raw"): the median of
// as many as there are tags on each, back and forth. No tag is invalidated twice, so each page stands on the tag until then.
func BenchmarkInvalidate(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	b.Run("memory", func(b *testing.B) {
		engine := gin.New()
		invalidating(b, engine, installed(b, engine, cachette.Config{MemoryLimit: 1 << 30}))
	})
	b.Run("redis", func(b *testing.B) {
		engine := gin.New()
		invalidating(b, engine, install(b, engine, stores[0], testservers.Find(b, testservers.Redis)))
	})
}

func invalidating(b *testing.B, engine *gin.Engine, cache *cachette.Cache) {
	b.Helper()
	tags := cachette.WithTagsFrom(func(c *gin.Context) (tags []string) {
		for i := range tagsOfAll {
			tags = append(tags, tagOf(c.Param("kind"), c.Param("round"), i))
		}
		return tags
	})
	engine.GET("/:kind/:round/:page", cachette.Cached(time.Hour, tags), func(c *gin.Context) { c.String(http.StatusOK, "page") })
	round := 0
	var took [2][]time.Duration
	for b.Loop() {
		number := strconv.Itoa(round)
		fill(b, engine, cache, "/few/"+number+"/", fewPages)
		fill(b, engine, cache, "/many/"+number+"/", manyPages)
		for i := range tagsOfAll {
			for _, k := range [2]int{i % 2, 1 - i%2} {
				tag := tagOf([2]string{"many", "few"}[k], number, i)
				start := time.Now()
				err := cache.Invalidate(b.Context(), tag)
				took[k] = append(took[k], time.Since(start))
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		if hits(engine, "/many/"+number+"/0") {
			b.Fatal("an invalidated page is a hit")
		}
		round++
	}
	for k, unit := range [2]string{"cachette/s", "raw/s"} {
		slices.Sort(took[k])
		b.ReportMetric(1/took[k][len(took[k])/2].Seconds(), unit)
	}
	b.ReportMetric(0, "ns/op") // it says nothing
}

func tagOf(kind, round string, i int) string { return fmt.Sprintf("%s-%s-%d", kind, round, i) }

// fill has pages stored, some at a time, and sees that the first and the last are.
func fill(b *testing.B, engine *gin.Engine, cache *cachette.Cache, path string, pages int64) {
	b.Helper()
	const atATime = 500 // what waits to be written is bounded
	for from := int64(0); from < pages; from += atATime {
		var next atomic.Int64
		next.Store(from)
		takeTurn(b, slices.Repeat([]func() error{func() error {
			engine.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path+strconv.FormatInt(next.Add(1)-1, 10), nil))
			return nil
		}}, clients), min(atATime, pages-from))
		if err := cache.Settle(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	for _, page := range []int64{0, pages / 2, pages - 1} {
		if !hits(engine, path+strconv.FormatInt(page, 10)) {
			b.Fatalf("%s%d is no hit: %+v", path, page, cache.Stats().Stored)
		}
	}
}

const (
	purgesEach = time.Millisecond // how often some purges come
	purgesOnce = 10               // how many at once, so that they are 10,000 a second
	purgers    = 32
)

// BenchmarkPurges measures what is served of a page with 8 tags while 10,000 tags a second are invalidated that it does not have, by another
// cache of its service ("cachette"), beside what is served while a cache of another store, or with other keys, does the same ("raw"): so both have as
// much left of the processors. Also, while nothing is invalidated ("quiet"). All answers are hits.
func BenchmarkPurges(b *testing.B) {
	gin.SetMode(gin.ReleaseMode)
	b.Run("memory", func(b *testing.B) {
		engine, elsewhere := gin.New(), gin.New()
		own := installed(b, engine, cachette.Config{})
		amongPurges(b, engine, own, own, installed(b, elsewhere, cachette.Config{}), func() []func() error {
			var all []func() error
			for range runtime.GOMAXPROCS(0) {
				all = append(all, hittingTagged(b, engine, 8))
			}
			return all
		})
	})
	b.Run("redis", func(b *testing.B) {
		where := testservers.Find(b, testservers.Redis)
		engine := gin.New()
		page := install(b, engine, stores[0], where)
		other := func(keys string) *cachette.Cache {
			return installed(b, gin.New(), cachette.Config{Backend: "redis", RedisURL: where, KeyPrefix: keys,
				OperationTimeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler)})
		}
		amongPurges(b, engine, page, other(prefix), other("elsewhere:"), func() []func() error {
			ask := askingFor(b, engine, taggedPath(8))
			var all []func() error
			for range clients {
				all = append(all, ask())
			}
			return all
		})
	})
}

// amongPurges measures what clients of a page are served while a cache of its service purges, while another does, and while none does.
func amongPurges(b *testing.B, engine *gin.Engine, page, own, elsewhere *cachette.Cache, clientsOf func() []func() error) {
	b.Helper()
	tagging(engine)
	hittingTagged(b, engine, 8)
	asking, route := clientsOf(), taggedPath(8)
	var served, took [3]float64
	var purged [3]int64
	turn := int64(1) // long beside a purge, so that they come at their pace
	for start := time.Now(); ; turn *= 2 {
		if took := takeTurn(b, asking, turn); took > 300*time.Millisecond || time.Since(start) > 5*time.Second {
			break
		}
	}
	before := page.Stats().Routes[route]
	ways := [3]*cachette.Cache{own, elsewhere, nil}
	for b.Loop() {
		for _, k := range [6]int{0, 1, 2, 2, 1, 0} {
			stop := purging(b, ways[k])
			took[k] += takeTurn(b, asking, turn).Seconds()
			purged[k] += stop()
			served[k] += float64(turn)
		}
	}
	for k, unit := range [3]string{"cachette/s", "raw/s", "quiet/s"} {
		b.ReportMetric(served[k]/took[k], unit)
	}
	b.ReportMetric(float64(purged[0])/took[0], "purges/s")
	b.ReportMetric(float64(purged[1])/took[1], "elsewhere/s")
	after := page.Stats().Routes[route]
	if hits := after.Hits - before.Hits; hits != uint64(served[0]+served[1]+served[2]) {
		b.Errorf("not all are hits: %+v, and before %+v", after, before)
	}
	b.ReportMetric(0, "ns/op") // it says nothing
}

// purging has a cache invalidate tags that no page has, 10,000 a second if the machine has time for as many, until stop is called, which
// returns how many they were.
func purging(b *testing.B, cache *cachette.Cache) (stop func() int64) {
	b.Helper()
	if cache == nil {
		return func() int64 { return 0 }
	}
	ctx, cancel := context.WithCancel(context.Background())
	due := make(chan int, 100)
	var done atomic.Int64
	var all sync.WaitGroup
	for range purgers {
		all.Go(func() {
			for i := range due {
				if err := cache.Invalidate(b.Context(), "other:"+strconv.Itoa(i)); err != nil {
					b.Error(err)
				}
				done.Add(1)
			}
		})
	}
	all.Go(func() {
		defer close(due)
		ticks := time.NewTicker(purgesEach)
		defer ticks.Stop()
		start, n := time.Now(), 0
		for ctx.Err() == nil {
			<-ticks.C
			for want := int(time.Since(start)/purgesEach) * purgesOnce; n < want && ctx.Err() == nil; n++ {
				due <- n
			}
		}
	})
	return func() int64 {
		cancel()
		all.Wait()
		return done.Load()
	}
}
