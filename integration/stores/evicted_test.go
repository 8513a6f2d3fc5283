package stores_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/gin-cachette/cachette"
)

// The whole form of TestMemcachedEvicts has so many paths, for a server of 64 MB. A shorter one has a smaller server.
const allPaths = 200_000

var paths = flag.Int("paths", allPaths/8, fmt.Sprintf("how many paths TestMemcachedEvicts asks for, %d at most", allPaths))

// zipf returns so many numbers below n, of which each is as frequent as 1/(it+1): as pages of a site are.
func zipf(n, length int) []int {
	sums, sum := make([]float64, n), 0.0
	for i := range sums {
		sum += 1 / float64(i+1)
		sums[i] = sum
	}
	random := rand.New(rand.NewPCG(1, 2))
	list := make([]int, length)
	for i := range list {
		list[i] = sort.SearchFloat64s(sums, random.Float64()*sum)
	}
	return list
}

// A full memcached evicts in each class of size by itself, and the marks of purges are of another class than the pages that stand on them. They
// are read with the page, so they stay as long: a route has few hits less than a client that stores the same bodies under the same keys
// without marks, on a server of the same size, for the same requests.
func TestMemcachedEvicts(t *testing.T) {
	t.Parallel()
	megabytes := strconv.Itoa(64 * *paths / allPaths)
	body := strings.Repeat("0123456789abcdef", 64)
	length, points := 5**paths, 5.0
	if *paths < allPaths {
		length = *paths + *paths/4
		points = 10 // a class gets whole megabytes, of which there are few
	}
	requests := zipf(*paths, length)
	plainly, byRoute := plainClient(t, body, megabytes), markedRoute(t, body, megabytes)
	var plain, marked float64
	var failed [2]error
	var both sync.WaitGroup
	both.Go(func() { plain, failed[0] = hitRatio(requests, plainly) })
	both.Go(func() { marked, failed[1] = hitRatio(requests, byRoute) })
	both.Wait()
	if err := errors.Join(failed[:]...); err != nil {
		t.Fatal(err)
	}
	t.Logf("of %d paths and with %s MB, %.2f %% are hits of a plain client, %.2f %% of a route", *paths, megabytes, plain, marked)
	if plain > 95 {
		t.Errorf("the server is too large to evict")
	}
	if marked < plain-points {
		t.Errorf("%.2f %% are hits of a route, want those of a plain client, %.2f %%, less %v", marked, plain, points)
	}
}

// evicting starts a server that is soon full. It is told to move no memory between classes: it would compare their ages, which are seconds
// where it is asked as fast as here, move some back and forth, and drop thousands of marks each time.
func evicting(t *testing.T, megabytes string) memcachedServer {
	t.Helper()
	s := newMemcached(t)
	s.start(t, "-m", megabytes, "-o", "slab_automove=0")
	return s
}

// hitRatio returns how many of a hundred requests are hits, once the server is full.
func hitRatio(requests []int, get func(n int) (hit bool, err error)) (float64, error) {
	counted, hits := requests[len(requests)/2:], 0
	for i, n := range requests {
		hit, err := get(n)
		if err != nil {
			return 0, fmt.Errorf("request %d: %w", i, err)
		}
		if hit && i >= len(requests)-len(counted) {
			hits++
		}
	}
	return 100 * float64(hits) / float64(len(counted)), nil
}

// plainClient returns what gets pages with a client for memcached, and stores those that are not there.
func plainClient(t *testing.T, body, megabytes string) func(n int) (hit bool, err error) {
	t.Helper()
	server := evicting(t, megabytes)
	client := memcache.New(server.host())
	client.Timeout = patient
	t.Cleanup(func() { _ = client.Close() })
	return func(n int) (bool, error) {
		key := fmt.Sprint("cachette:~r:hq//example.com/", n)
		_, err := client.Get(key)
		if errors.Is(err, memcache.ErrCacheMiss) {
			return false, client.Set(&memcache.Item{Key: key, Value: []byte(body), Expiration: 3600})
		}
		return true, err
	}
}

// markedRoute returns what asks a route for pages.
func markedRoute(t *testing.T, body, megabytes string) func(n int) (hit bool, err error) {
	t.Helper()
	server := evicting(t, megabytes)
	s := newSite(t, cachette.Config{Backend: "memcached", MemcachedHost: server.host(), OperationTimeout: patient})
	s.GET("/:n", cachette.Cached(time.Hour), text(body))
	return func(n int) (bool, error) {
		hit, err := s.ask(http.MethodGet, "/"+strconv.Itoa(n), body)
		if hit || err != nil {
			return hit, err
		}
		return false, s.cache.Settle(t.Context())
	}
}
