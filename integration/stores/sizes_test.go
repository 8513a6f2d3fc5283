package stores_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/v9"

	"github.com/gin-cachette/cachette"
)

// sizes are the rows of the table of docs/scale.md that says what things take in Redis.
var sizes = []struct {
	row    string
	tags   int  // that each page has for itself
	shared int  // that all pages have in common
	value  bool // it is a value of Remember
	put    bool // it is a plain value
}{
	{row: "a value of `Put`", put: true},
	{row: "a value of `Remember`", value: true},
	{row: "a page"},
	{row: "a page with 8 tags that others have, too", shared: 8},
	{row: "a page with a tag of its own", tags: 1},
	{row: "a page with 8 tags of its own", tags: 8},
}

// TestSizes: what a kilobyte takes in Redis is what docs/scale.md says, to a tenth.
func TestSizes(t *testing.T) {
	table, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range sizes {
		server := newRedis(t)
		server.start(t)
		client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", server.port)})
		t.Cleanup(func() { _ = client.Close() })
		s := newSite(t, cachette.Config{URL: server.url(), OperationTimeout: patient, Codec: "json"})
		kilobyte := strings.Repeat("x", 1000)
		s.GET("/products/:id", cachette.Cached(time.Hour), func(c *gin.Context) {
			for i := range row.tags {
				cachette.Tag(c, fmt.Sprintf("product:%s:%d", c.Param("id"), i))
			}
			for i := range row.shared {
				cachette.Tag(c, fmt.Sprintf("brand:%d", i))
			}
			c.String(http.StatusOK, kilobyte)
		})
		const n = 2000
		store := func(from, to int) {
			for i := from; i < to; i++ {
				var err error
				switch key := fmt.Sprintf("product:%d", i); {
				case row.put:
					err = s.cache.Put(t.Context(), key, kilobyte, time.Hour)
				case row.value:
					_, err = cachette.Remember(t.Context(), s.cache, key, time.Hour, func(context.Context) (string, error) { return kilobyte, nil })
				default:
					_, err = s.ask(http.MethodGet, fmt.Sprintf("/products/%d", i), kilobyte)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := s.cache.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		store(0, n/10) // what is there once, and the table of keys
		before := usedBy(t, client)
		store(n/10, n+n/10)
		each := (usedBy(t, client) - before) / n
		said := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(row.row) + ` \| ([\d,]+) \|`).FindStringSubmatch(string(table))
		if said == nil {
			t.Errorf("docs/scale.md has no row %q; it takes %d bytes", row.row, each)
			continue
		}
		want, _ := strconv.Atoi(strings.ReplaceAll(said[1], ",", ""))
		if math.Abs(float64(each-want)) > float64(want)/10 {
			t.Errorf("%s takes %d bytes, and docs/scale.md says %d", row.row, each, want)
		}
	}
}

// usedBy returns how many bytes a Redis has taken for its data and what it keeps of it.
func usedBy(t *testing.T, client *redis.Client) int {
	t.Helper()
	info, err := client.Info(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`used_memory:(\d+)`).FindStringSubmatch(info)
	if found == nil {
		t.Fatalf("a Redis that does not say what it uses: %s", info)
	}
	n, _ := strconv.Atoi(found[1])
	return n
}
