package stores_test

import (
	"flag"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gin-cachette/cachette"
)

var writes = flag.Int("writes", 5_000, "how many writes to other paths TestNoCrosstalk sends")

// A purge hits nothing but what it names: all pages of an engine are hits after many writes to other paths of it (RFC 9111 §4.4). They
// are when as many pages of a namespace have come, and another namespace was cleared.
func TestNoCrosstalk(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(t *testing.T) cachette.Config{
		"InMemory": func(*testing.T) cachette.Config { return cachette.Config{} },
		"Redis": func(t *testing.T) cachette.Config {
			server := newRedis(t)
			server.start(t)
			return cachette.Config{Backend: "redis", RedisURL: server.url(), OperationTimeout: patient}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, config(t))
			s.GET("/page/:n", cachette.Cached(time.Hour), text("page"))
			s.GET("/member/:n", cachette.Cached(time.Hour, cachette.WithNamespace("members")), text("page"))
			s.GET("/other/:n", cachette.Cached(time.Hour, cachette.WithNamespace("others")), text("page"))
			s.PUT("/other/:n", text("written"))

			const pages, members, others = 400, 1000, 400
			want := func(when, path string, pages, hits int) {
				t.Helper()
				if got := s.hits(t, path, pages); got != hits {
					t.Errorf("%s, %d of %d of %s are hits, want %d", when, got, pages, path, hits)
				}
			}
			want("at first", "/page/", pages, 0)
			want("at first", "/other/", others, 0)
			s.write(t, "/other/", *writes)
			want("after the writes", "/page/", pages, pages)
			want("after the writes", "/other/", others, 0)

			want("at first", "/member/", members, 0)
			want("after those of a namespace", "/page/", pages, pages)
			want("asked again", "/member/", members, members)
			clear := func(namespace string) {
				if err := s.cache.ClearNamespace(t.Context(), namespace); err != nil {
					t.Fatal(err)
				}
			}
			clear("others")
			want("without another namespace", "/page/", pages, pages)
			want("without another namespace", "/member/", members, members)
			clear("members")
			want("without a namespace", "/page/", pages, pages)
			want("without their namespace", "/member/", members, 0)
		})
	}
}

// hits asks for so many pages, and returns how many were hits.
func (s *site) hits(t *testing.T, path string, pages int) (hits int) {
	t.Helper()
	for i := range pages {
		hit, err := s.ask(http.MethodGet, path+strconv.Itoa(i), "page")
		if err != nil {
			t.Fatal(err)
		}
		if hit {
			hits++
		}
	}
	if err := s.cache.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return hits
}

// write sends a write to each of so many pages, several at once.
func (s *site) write(t *testing.T, path string, pages int) {
	t.Helper()
	const writers = 8
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for i := writer; i < pages; i += writers {
				if _, err := s.ask(http.MethodPut, path+strconv.Itoa(i), "written"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}
