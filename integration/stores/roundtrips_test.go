package stores_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers/drivertest/proxy"
)

// counted is a site whose store is behind a proxy that counts round trips.
type counted struct {
	*site
	proxy  *proxy.Proxy
	asked  proxy.Counts // until the last handler ran
	shares bool         // requests that come at once share a round trip, or not, as it happens
	pages  int
}

// countedStores returns a site for each backend that is asked over a network.
var countedStores = map[string]func(t *testing.T) *counted{
	"redis": func(t *testing.T) *counted {
		s := newRedis(t)
		s.start(t)
		c := newCounted(t, s.port, func(addr string) cachette.Config {
			return cachette.Config{Backend: "redis", RedisURL: "redis://" + addr}
		})
		c.shares = true
		return c
	},
	"memcached": func(t *testing.T) *counted {
		s := newMemcached(t)
		s.start(t)
		return newCounted(t, s.port, func(addr string) cachette.Config {
			return cachette.Config{Backend: "memcached", MemcachedHost: addr}
		})
	},
	"mongodb": func(t *testing.T) *counted {
		s := newMongoDB(t)
		s.start(t, t.TempDir())
		return newCounted(t, s.port, func(addr string) cachette.Config { // with no heartbeat in the time that the test takes
			return cachette.Config{Backend: "mongodb", MongoDBURL: "mongodb://" + addr + "/?heartbeatFrequencyMS=3600000"}
		})
	},
	"dynamodb": func(t *testing.T) *counted {
		s := newDynamoDB(t)
		s.start(t)
		return newCounted(t, s.port, func(addr string) cachette.Config {
			return cachette.Config{Backend: "dynamodb", DynamoDBURL: "http://" + addr}
		})
	},
}

func newCounted(t *testing.T, port int, config func(addr string) cachette.Config) *counted {
	t.Helper()
	p := proxy.New(t, fmt.Sprintf("127.0.0.1:%d", port))
	cfg := config(p.Addr())
	cfg.OperationTimeout = patient
	return newCountedSite(t, p, cfg)
}

func newCountedSite(t *testing.T, p *proxy.Proxy, cfg cachette.Config) *counted {
	t.Helper()
	c := &counted{proxy: p, site: newSite(t, cfg)}
	handler := func(fields ...string) gin.HandlerFunc {
		return func(ctx *gin.Context) {
			c.asked = c.proxy.Counts()
			for _, field := range fields {
				ctx.Writer.Header().Add("Vary", field)
			}
			ctx.String(http.StatusOK, "page")
		}
	}
	c.GET("/plain/:n", cachette.Cached(time.Hour), handler())
	c.GET("/leased/:n", cachette.Cached(time.Hour, cachette.WithLease(time.Minute)), handler())
	c.GET("/varies/:n", cachette.Cached(time.Hour), handler("Accept-Language"))
	for _, n := range []int{1, 10} {
		c.GET(fmt.Sprintf("/tags%d/:n", n), cachette.Cached(time.Hour), func(ctx *gin.Context) {
			cachette.Tag(ctx, tagsOf(ctx.Param("n"), n)...)
		}, handler())
	}
	c.GET("/space/:n", cachette.Cached(time.Hour, cachette.WithNamespace("space")), handler())
	c.POST("/plain/:n", text("written"))
	for _, n := range []int{1, 10} {
		c.POST(fmt.Sprintf("/tags%d/:n", n), cachette.InvalidatesFrom(func(ctx *gin.Context) []string {
			return tagsOf(ctx.Param("n"), n)
		}), text("written"))
	}
	return c
}

// tagsOf returns n tags of a page.
func tagsOf(page string, n int) (tags []string) {
	for i := range n {
		tags = append(tags, fmt.Sprintf("%s-%d", page, i))
	}
	return tags
}

// next returns the path of a page that nothing was asked of yet.
func (c *counted) next(route string) string {
	c.pages++
	return "/" + route + "/" + strconv.Itoa(c.pages)
}

// get asks for a page and waits until it is stored.
func (c *counted) get(t *testing.T, path, language string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	c.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != "page" {
		t.Fatalf("GET %s: %d %.100q", path, w.Code, w.Body)
	}
	c.settle(t)
}

func (c *counted) settle(t *testing.T) {
	t.Helper()
	if err := c.cache.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// put stores values, and returns their names.
func (c *counted) put(t *testing.T, n int) (names []string) {
	t.Helper()
	for range n {
		c.pages++
		names = append(names, "value-"+strconv.Itoa(c.pages))
		if err := c.cache.Put(t.Context(), names[len(names)-1], "value", time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// A counting prepares something, and returns what is counted.
type counting struct {
	name    string
	prepare func(t *testing.T, c *counted) (do func(t *testing.T))
}

func gets(route string, before ...string) func(t *testing.T, c *counted) func(t *testing.T) {
	return func(t *testing.T, c *counted) func(t *testing.T) {
		path := c.next(route)
		for _, language := range before {
			c.get(t, path, language)
		}
		return func(t *testing.T) { c.get(t, path, "en") }
	}
}

func deletes(n int) func(t *testing.T, c *counted) func(t *testing.T) {
	return func(t *testing.T, c *counted) func(t *testing.T) {
		names := c.put(t, n)
		return func(t *testing.T) {
			if got, err := c.cache.Delete(t.Context(), names...); got != n || err != nil {
				t.Fatalf("Delete = %d, %v, want %d", got, err, n)
			}
		}
	}
}

func adds(there bool) func(t *testing.T, c *counted) func(t *testing.T) {
	return func(t *testing.T, c *counted) func(t *testing.T) {
		c.pages++
		name := "value-" + strconv.Itoa(c.pages)
		if there {
			name = c.put(t, 1)[0]
		}
		return func(t *testing.T) {
			if added, err := c.cache.Add(t.Context(), name, "value", time.Hour); added == there || err != nil {
				t.Fatal(added, err)
			}
		}
	}
}

// remembersMany asks for twenty values, which are there, or of which a load is to find that there are none: so nothing is kept.
func remembersMany(there bool) func(t *testing.T, c *counted) func(t *testing.T) {
	return func(t *testing.T, c *counted) func(t *testing.T) {
		var numbers []int
		for range 20 {
			c.pages++
			numbers = append(numbers, c.pages)
		}
		ask := func(found map[int]string, want int) {
			got, err := cachette.RememberMany(t.Context(), c.cache, numbers, strconv.Itoa, time.Hour, func(context.Context, []int) (map[int]string, error) {
				return found, nil
			})
			if len(got) != want || err != nil {
				t.Fatal(len(got), err)
			}
			c.settle(t)
		}
		want := 0
		if there {
			found := make(map[int]string)
			for _, n := range numbers {
				found[n] = "value"
			}
			want = len(found)
			ask(found, want)
		}
		c.get(t, c.next("plain"), "en") // whose fill looks where the log of purges is
		return func(*testing.T) { ask(nil, want) }
	}
}

func calls(do func(ctx context.Context, c *cachette.Cache) error) func(t *testing.T, c *counted) func(t *testing.T) {
	return func(t *testing.T, c *counted) func(t *testing.T) {
		for range 10 {
			c.get(t, c.next("space"), "en")
		}
		return func(t *testing.T) {
			if err := do(t.Context(), c.cache); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func invalidates(n int) func(t *testing.T, c *counted) func(t *testing.T) {
	return func(t *testing.T, c *counted) func(t *testing.T) {
		path := c.next(fmt.Sprintf("tags%d", n))
		c.get(t, path, "en")
		return func(t *testing.T) {
			if err := c.cache.Invalidate(t.Context(), tagsOf(path[strings.LastIndexByte(path, '/')+1:], n)...); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// posts sends a page's own URL a POST.
func posts(route string) func(t *testing.T, c *counted) func(t *testing.T) {
	return func(t *testing.T, c *counted) func(t *testing.T) {
		path := c.next(route)
		c.get(t, path, "en")
		return func(t *testing.T) {
			if _, err := c.ask(http.MethodPost, path, "written"); err != nil {
				t.Fatal(err)
			}
			c.settle(t)
		}
	}
}

// ofNamespace does something with a namespace that has a page.
func ofNamespace(do func(*cachette.Cache, context.Context, string) error) func(*testing.T, *counted) func(*testing.T) {
	return func(t *testing.T, c *counted) func(*testing.T) {
		c.get(t, c.next("space"), "en")
		return func(t *testing.T) {
			if err := do(c.cache, t.Context(), "space"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// countings are the rows of the table.
var countings = []counting{
	{"a hit", gets("plain", "en")},
	{"a hit of a page that varies", gets("varies", "en")},
	{"a hit in a namespace", gets("space", "en")},
	{"a miss", gets("plain")},
	{"a miss with a lease", gets("leased")},
	{"a miss of a page that varies", gets("varies")},
	{"a miss of another variant", gets("varies", "fr")},
	{"`Put`", func(t *testing.T, c *counted) func(t *testing.T) {
		return func(t *testing.T) { c.put(t, 1) }
	}},
	{"`Fetch`", func(t *testing.T, c *counted) func(t *testing.T) {
		name := c.put(t, 1)[0]
		return func(t *testing.T) {
			var value string
			if err := c.cache.Fetch(t.Context(), name, &value); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{"`FetchMany` of 100", func(t *testing.T, c *counted) func(t *testing.T) {
		names := c.put(t, 100)
		return func(t *testing.T) {
			if got, err := cachette.FetchMany[string](t.Context(), c.cache, names); len(got) != len(names) || err != nil {
				t.Fatal(len(got), err)
			}
		}
	}},
	{"`PutMany` of 100", func(t *testing.T, c *counted) func(t *testing.T) {
		values := make(map[string]string)
		for range 100 {
			c.pages++
			values["value-"+strconv.Itoa(c.pages)] = "value"
		}
		return func(t *testing.T) {
			if err := cachette.PutMany(t.Context(), c.cache, values, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{"`Add`", adds(false)},
	{"`Add` where one is", adds(true)},
	{"`Delete` of 1", deletes(1)},
	{"`Delete` of 10", deletes(10)},
	{"`PurgePath`", func(t *testing.T, c *counted) func(t *testing.T) {
		path := c.next("plain")
		c.get(t, path, "en")
		return func(t *testing.T) {
			if err := c.cache.PurgePath(t.Context(), path); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{"`PurgeNamespace`", ofNamespace((*cachette.Cache).PurgeNamespace)},
	{"`ClearNamespace`", ofNamespace((*cachette.Cache).ClearNamespace)},
	{"`Flush`", calls(func(ctx context.Context, c *cachette.Cache) error { return c.Flush(ctx) })},
	{"`FlushExpired`", calls(func(ctx context.Context, c *cachette.Cache) error {
		_, err := c.FlushExpired(ctx)
		return err
	})},
	// These come last: what they store would make the clearings longer.
	{"a hit with 1 tag", gets("tags1", "en")},
	{"a hit with 10 tags", gets("tags10", "en")},
	{"a miss with 1 new tag", gets("tags1")},
	{"a miss with 10 new tags", gets("tags10")},
	{"a miss with 10 tags that it had before", func(t *testing.T, c *counted) func(t *testing.T) {
		path := c.next("tags10")
		c.get(t, path, "en")
		if err := c.cache.PurgePath(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		return func(t *testing.T) { c.get(t, path, "en") }
	}},
	{"`Invalidate` of 1 tag", invalidates(1)},
	{"`Invalidate` of 10 tags", invalidates(10)},
	{"a POST to a page", posts("plain")},
	{"a POST to a page that invalidates 1 tag", posts("tags1")},
	{"a POST to a page that invalidates 10 tags", posts("tags10")},
	{"`RememberMany` of 20", remembersMany(true)},
	{"`RememberMany` of 20 that are missing, until they are loaded", remembersMany(false)},
}

// TestRoundTrips holds the table of round trips in docs/backends.md: the fewest of some attempts, since a look at the log of purges, which is
// due once a second, comes on top.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	for backend, start := range countedStores {
		t.Run(backend, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			c.proxy.Delay(2 * time.Millisecond) // so that what is asked at once is under way at once
			for _, row := range countings {
				cell, fewest := c.count(t, row)
				want := documented(t, row.name, backend)
				for attempt := 1; attempt < 3 || cell != want && attempt < 20; attempt++ {
					if again, n := c.count(t, row); n < fewest {
						cell, fewest = again, n
					}
				}
				if cell != want {
					t.Errorf("%s: %s round trips, the documentation says %q", row.name, cell, want)
				}
			}
		})
	}
}

// count returns what the table has of a row, and how much that is.
func (c *counted) count(t *testing.T, row counting) (cell string, cost int) {
	t.Helper()
	c.get(t, "/plain/warm", "en") // so that the view of the log is new
	do := row.prepare(t, c)
	if err := c.cache.PurgePath(t.Context(), "/warm"); err != nil { // has looked whether there are near tiers, as one purge a second does
		t.Fatal(err)
	}
	c.asked = proxy.Counts{}
	from := c.proxy.Counts()
	do(t)
	to := c.proxy.Counts()
	cost = to.Waits - from.Waits + to.Trips - from.Trips
	if c.asked == (proxy.Counts{}) {
		return c.between(from, to), cost
	}
	return c.between(from, c.asked) + ", then " + c.between(c.asked, to), cost
}

// between returns the round trips between two moments, and, where some of them were at once, how many requests those were.
func (c *counted) between(from, to proxy.Counts) string {
	waits, trips := to.Waits-from.Waits, to.Trips-from.Trips
	if waits == trips || c.shares {
		return strconv.Itoa(waits)
	}
	return fmt.Sprintf("%d (%d requests)", waits, trips)
}

// documented returns a cell of the table of round trips in docs/backends.md.
func documented(t *testing.T, row, column string) string {
	t.Helper()
	return documentedIn(t, "| round trips |", row, column)
}

// documentedIn returns a cell of the table in docs/backends.md whose header begins so.
func documentedIn(t *testing.T, head, row, column string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/backends.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), head)
	header, rows, _ := strings.Cut(table, "\n")
	for line := range strings.Lines(rows) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(line, "|")
		if strings.TrimSpace(cells[1]) != row {
			continue
		}
		for i, name := range strings.Split(header, "|") {
			if strings.TrimSpace(name) == column && i+2 < len(cells) {
				return strings.TrimSpace(cells[i+2])
			}
		}
	}
	return ""
}
